"""The canary of the threat tests: a user who publishes ten messages a second and hears them all.

Takes the port of a gate with the native route at /ws; a token comes from the caller's environment.
Sings until its input ends; then says as JSON how many it sent, how many were lost, and how late
they came.
"""

import json
import os
import select
import socket
import sys
import time

import raw

EVERY = 0.1


def main(port: int) -> None:
    token = os.environ["CANARY_TOKEN"]
    ears, mouth = (raw.Ws(port, f"/ws?token={token}") for _ in range(2))
    channel = f"canary:{os.getpid()}"
    ears.json(), mouth.json()
    assert "subscribed" in ears.ask(subscribe={"channel": channel})
    print("singing", flush=True)
    sent, took, next_at, is_asked_to_stop = 0, [], time.monotonic(), False
    stop_at = None
    while stop_at is None or (len(took) < sent and time.monotonic() < stop_at):
        if select.select([sys.stdin], [], [], 0)[0] and stop_at is None:
            stop_at = time.monotonic() + 10
        now = time.monotonic()
        if stop_at is None and next_at <= now:
            mouth.say({"publish": {"channel": channel, "data": now}})
            sent, next_at = sent + 1, next_at + EVERY
        wait = max(0.001, min(next_at - time.monotonic(), 0.05))
        if ears.reader.held or select.select([ears.sock], [], [], wait)[0]:
            opcode, payload, _ = ears.frame()
            if opcode == raw.PING:
                ears.send(payload, raw.PONG)
            elif opcode == raw.TEXT:
                said = json.loads(payload)
                took.append(time.monotonic() - said["publication"]["data"])
        if select.select([mouth.sock], [], [], 0)[0]:
            opcode, payload, _ = mouth.frame()
            assert opcode == raw.PING, payload
            mouth.send(payload, raw.PONG)
    took.sort()
    p99 = took[min(len(took) - 1, len(took) * 99 // 100)] if took else 0.0
    worst = took[-1] if took else 0.0
    print(json.dumps({"sent": sent, "lost": sent - len(took), "p99": p99, "max": worst}))


if __name__ == "__main__":
    socket.setdefaulttimeout(10)
    main(int(sys.argv[1]))
