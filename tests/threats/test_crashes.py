"""When processes, networks and disks end: L1, L2, L3, L6."""

import concurrent.futures
import contextlib
import errno
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
import time

import pytest
import raw
import tokens
from gate import LOGS, ROUTES, SERVER, until


class Fan:
    """A member of a channel who remembers where it was, and comes back to there."""

    def __init__(self, port, channel, user="ann"):
        self.channel, self.place, self.offsets = channel, None, []
        self.user = user
        self.join(port)

    def join(self, port) -> float:
        """Connects and subscribes; tells how long it took."""
        began = time.monotonic()
        self.ws = raw.Ws(port, f"/ws?token={tokens.token(self.user)}", timeout=30.0)
        body = {"channel": self.channel}
        if self.place:
            body["since"] = self.place
        self.ws.say({"id": 1, "subscribe": body})
        while "subscribed" not in (said := self.ws.json()):
            assert "connected" in said, said
        told = said["subscribed"]
        place = {"epoch": told["epoch"], "offset": told["offset"]}
        assert self.place in (None, place), (self.place, told)
        assert self.place is None or told["recovered"], (self.place, told)
        self.place = place
        return time.monotonic() - began

    def hear(self, frame) -> None:
        """Each publication is the next one of the same epoch."""
        if "publication" in frame:
            said = frame["publication"]
            expected = self.place | {"offset": self.place["offset"] + 1}
            assert {it: said[it] for it in expected} == expected, (expected, said)
            self.place = expected
            self.offsets.append((said["offset"], said["data"]))

    def hear_up_to(self, offset) -> None:
        while self.place["offset"] < offset:
            self.hear(self.ws.json())

    def hear_the_rest(self) -> int:
        """All that had arrived when the connection ended; tells the close number."""
        try:
            while True:
                self.hear(self.ws.json())
        except raw.Closed as closed:
            self.ws.close()
            return closed.code


CROWD = 2000


def test_a_crowd_comes_back_after_a_crash_and_misses_nothing(house):
    """L1: kill -9 with 2,000 members of a log on disk: all back within a minute, nobody loses."""
    with house.open(ROUTES + LOGS) as gate, contextlib.ExitStack() as stack:
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(16))
        # A user has a thousand sessions at most.
        join = lambda number: Fan(gate.port, "log:crowd", f"fan{number}")
        fans = list(pool.map(join, range(CROWD)))
        stack.callback(lambda: [it.ws.close() for it in fans])
        for number in range(1, 4):
            gate.publish("log:crowd", number)
        list(pool.map(lambda it: it.hear_up_to(3), fans))
        for number in range(4, 11):
            gate.publish("log:crowd", number)
        # Whatever of these has not reached somebody has to come later.
        gate.kill()
        assert set(pool.map(Fan.hear_the_rest, fans)) == {1006}
        gate.start()
        began = time.monotonic()
        waits = sorted(pool.map(lambda it: it.join(gate.port), fans))
        took = time.monotonic() - began
        place = gate.publish("log:crowd", 11)
        list(pool.map(lambda it: it.hear_up_to(11), fans))
        assert took < 60 and waits[len(waits) * 99 // 100] < 1.0, (took, waits[-20:])
        assert place == {"epoch": fans[0].place["epoch"], "offset": 11}
        everything = [(it, it) for it in range(1, 12)]
        assert all(it.offsets == everything for it in fans)
        assert gate.http("GET", "/api/channels/log:crowd").json["members"] == CROWD


def test_a_restart_loses_nothing_that_can_be_recovered(house):
    """L2: SIGTERM under publications: told to come back, spread, exit 0, and nothing is missed."""
    server = SERVER + 'drain_over = "1s"\ndrain_within = "10s"\n'
    with house.open(ROUTES + LOGS, server) as gate, contextlib.ExitStack() as stack:
        channels = ["log:deploy", "quick:deploy"]
        confirmed, is_talking = {it: [] for it in channels}, threading.Event()

        def talk():
            with contextlib.suppress(OSError, EOFError):
                for number in range(1, 1_000_000):
                    for channel in channels:
                        answer = gate.http(
                            "POST", "/api/publish", {"channel": channel, "data": number}
                        )
                        if answer.status != 200:
                            return
                        confirmed[channel].append((answer.json["offset"], number))
                    is_talking.set()

        fans = [Fan(gate.port, channels[it % 2]) for it in range(200)]
        stack.callback(lambda: [it.ws.close() for it in fans])
        talker = threading.Thread(target=talk)
        talker.start()
        assert is_talking.wait(10)
        began = time.monotonic()
        gate.process.terminate()
        assert gate.http("GET", "/health/ready").status == 503
        ends = {}
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            ended = {pool.submit(it.hear_the_rest): it for it in fans}
            for done in concurrent.futures.as_completed(ended):
                ends[ended[done]] = time.monotonic() - began
                assert done.result() == 1012
        assert gate.process.wait(10) == 0
        talker.join(10)
        assert not talker.is_alive()
        # Spread over the second, not all at once.
        assert max(ends.values()) - min(ends.values()) > 0.5, sorted(ends.values())
        gate.start()
        heads = {}
        for channel in channels:
            kept = gate.history(channel, "?after=0&limit=1000")
            assert len(kept) < 1000, "more than one page"
            assert set(confirmed[channel]) <= set(kept), channel
            heads[channel] = kept
        for fan in fans:
            fan.join(gate.port)
            fan.hear_up_to(heads[fan.channel][-1][0])
            # From where it began, all there is.
            assert fan.offsets == heads[fan.channel][-len(fan.offsets) :]
            assert fan.offsets[0][0] <= 2 or fan.offsets[0][0] == fan.offsets[-1][0]


def test_a_network_that_falls_silent_is_noticed(house):
    """L3: behind a relay that stops, a client is gone within the bounds of ping and pong."""
    quick = 'ping_every = "1s"\npong_within = "1s"\n'
    routes = ROUTES.replace('path = "/ws"\n', f'path = "/ws"\n{quick}')
    with house.open(routes) as gate, contextlib.ExitStack() as stack:
        script = pathlib.Path(__file__).with_name("relay.py")
        relay = stack.enter_context(
            subprocess.Popen([sys.executable, script, str(gate.port)], stdout=subprocess.PIPE)
        )
        stack.callback(relay.kill)
        stack.callback(relay.send_signal, signal.SIGCONT)
        far = stack.enter_context(raw.Ws(int(relay.stdout.readline()), f"/ws?token={tokens.token()}"))
        near = stack.enter_context(gate.ws(f"/ws?token={tokens.token()}"))
        for ws in (far, near):
            ws.json()
            assert "subscribed" in ws.ask(subscribe={"channel": "den"})
        answered = {far: 0, near: 0}

        def answer():
            for ws in answered:
                while ws.reader.held or select.select([ws.sock], [], [], 0)[0]:
                    opcode, payload, _ = ws.frame()
                    if opcode == raw.PING:
                        ws.send(payload, raw.PONG)
                        answered[ws] += 1

        until(lambda: answer() or (1 <= answered[far]), 5)
        relay.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        until(lambda: answer() or gate.metric("tidegate_pings_timed_out_total") == 1, 6)
        assert 0.8 < time.monotonic() - began < 3.5
        until(lambda: gate.connections() == 1 and gate.metric("tidegate_memberships") == 1)
        assert gate.metric("tidegate_outbox_bytes") == 0
        assert "pong" in near.ask(ping={})
        relay.send_signal(signal.SIGCONT)
        assert far.end().code in (4009, 1006)


# L6. --------------------------------------------------------------------------------------------

SMALL = "16m"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={SMALL},uid={os.geteuid()}"
    mount = [*as_root, "mount", "-t", "tmpfs", "-o", options, "tidegate-l6", folder]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(f"L6 needs a small disk, and root or sudo to mount one: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run([*as_root, "umount", "--lazy", folder], check=True)


def fill(path) -> None:
    """Writes until there is no room left, not even for a page."""
    with path.open("ab", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    ballast.write(b"x" * size)
        with pytest.raises(OSError) as full:
            ballast.write(b"x")
        assert full.value.errno == errno.ENOSPC


def test_a_full_disk_is_told_and_survived(house, small_disk):
    """L6: what cannot be kept is refused, what need not be goes on, and room is enough to recover."""
    server = SERVER + f'data_dir = "{small_disk}/data"\n'
    confirmed, refused = {}, []

    def publish(gate, number, channel="log:full"):
        body = {"channel": channel, "data": f"{number} {'x' * 3000}", "idempotency_key": f"{number}"}
        answer = gate.http("POST", "/api/publish", body)
        if answer.status == 200:
            confirmed[answer.json["offset"]] = body["data"]
            return answer.json
        assert (answer.status, answer.code) == (503, "STORE_UNAVAILABLE"), answer
        refused.append(number)
        return None

    def kept(gate):
        """What the log has: all that was confirmed, and at most what was refused besides."""
        there = dict(gate.history("log:full", "?after=0&limit=1000"))
        assert confirmed.items() <= there.items()
        besides = {int(it.split()[0]) for at, it in there.items() if at not in confirmed}
        assert besides <= set(refused)
        return there

    with house.open(ROUTES + LOGS, server) as gate, contextlib.ExitStack() as stack:
        ann = stack.enter_context(gate.ws(f"/ws?token={tokens.token()}"))
        ann.json()
        for channel in ("log:full", "memory:full", "user:ann", "none"):
            assert "subscribed" in ann.ask(subscribe={"channel": channel})
        gate.publish("user:ann", "mail")
        epochs = {publish(gate, number)["epoch"] for number in range(20)}
        fill(small_disk / "ballast")
        # What has room in pages that are there already may still be taken.
        numbers = iter(range(20, 5000))
        until(lambda: publish(gate, next(numbers)) is None, 20, every=0)
        for _ in range(5):
            assert publish(gate, next(numbers)) is None
        refused.append(next(numbers))
        said = ann.ask(publish={"channel": "log:full", "data": f"{refused[-1]} by ann"})
        assert said["error"]["code"] == "STORE_UNAVAILABLE"
        said = ann.ask(ack={"channel": "user:ann", "offset": 1})
        assert said["error"]["code"] == "STORE_UNAVAILABLE"
        answer = gate.http("POST", "/api/revoke", {"jti": "full"})
        assert (answer.status, answer.code) == (503, "STORE_UNAVAILABLE")
        # Everything else goes on.
        for channel in ("memory:full", "none"):
            assert "published" in ann.ask(publish={"channel": channel, "data": 1})
            assert "signalled" in ann.ask(signal={"channel": channel, "data": 2})
            gate.publish(channel, 3)
        assert "signalled" in ann.ask(signal={"channel": "log:full", "data": 2})
        assert gate.http("GET", "/health/live", key=None).status == 200
        gate.ws(f"/ws?token={tokens.token('bob')}").close()
        kept(gate)
        # Room again; nobody restarts anything.
        (small_disk / "ballast").unlink()
        last = next(numbers)
        until(lambda: publish(gate, last), 15)
        until(lambda: "marked" in ann.ask(ack={"channel": "user:ann", "offset": 1}), 15)
        until(lambda: gate.http("POST", "/api/revoke", {"jti": "full"}).status == 200, 15)
        # What was refused may be said again, and is said once.
        for number in refused[:3]:
            assert publish(gate, number) == publish(gate, number) is not None
        before = kept(gate)
        gate.kill()
        gate.start()
        assert kept(gate) == before
        assert {publish(gate, next(numbers))["epoch"]} == epochs
        # Whether there is room enough to start depends on what is in the pages that are there. If
        # not, it says so and ends, and nothing is lost either.
        fill(small_disk / "ballast")
        until(lambda: publish(gate, next(numbers)) is None, 20, every=0)
        until(lambda: 0 < gate.metric("tidegate_store_write_failures_total"))
        gate.kill()
        with contextlib.suppress(AssertionError):
            gate.start()
        (small_disk / "ballast").unlink()
        if not gate.is_alive():
            assert gate.process.returncode == 1
            assert "database or disk is full" in gate.log().splitlines()[-1]
            gate.start()
        kept(gate)
        last = next(numbers)
        until(lambda: publish(gate, last), 15)
        kept(gate)
        assert gate.http("GET", "/api/revocations").json["revocations"][0]["jti"] == "full"
        mark = gate.http("GET", "/api/channels/user:ann/cursors/ann", key="read").json
        assert mark["delivered"] == 1
