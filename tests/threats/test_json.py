"""JSON that means harm, and names without end: F11, F14."""

import contextlib
import json
import time

import pytest
import raw
import tokens
from gate import until, watched

WIDE = 60_000  # Just below what a message may have.

# What is sent, and what it is answered: a code, or None where it is a command like any other.
BOMBS = {
    "arrays": ("[" * WIDE, "BAD_COMMAND"),
    "arrays that end": ("[" * 30_000 + "]" * 30_000, "BAD_COMMAND"),
    "objects": ('{"a":' * 12_000, "BAD_COMMAND"),
    "objects in the payload": (
        '{"id":1,"publish":{"channel":"den","data":' + '{"a":' * 5000 + "1" + "}" * 5002,
        "BAD_COMMAND",
    ),
    "sixty-five deep": (
        '{"id":1,"publish":{"channel":"den","data":' + "[" * 63 + "]" * 63 + "}}",
        "BAD_COMMAND",
    ),
    "sixty-four deep": (
        '{"id":1,"publish":{"channel":"den","data":' + "[" * 62 + "]" * 62 + "}}",
        None,
    ),
    "line feeds": ("\n" * WIDE, "INVALID_JSON"),
    "commands by line": ('{"id":1,"ping":{}}\n' * 3000, "INVALID_JSON"),
    "blanks around a command": (" " * 30_000 + '{"id":1,"ping":{}}' + " " * 20_000, None),
    "sixty-five commands": (json.dumps([{"id": 1, "ping": {}}] * 65), "BAD_COMMAND"),
    "thousands of nothing": ("[" + ",".join(["1"] * 20_000) + "]", "BAD_COMMAND"),
    "empty objects": ("[" + ",".join(["{}"] * 20_000) + "]", "BAD_COMMAND"),
    "keys": (json.dumps({f"k{it}": 1 for it in range(5000)}), "UNKNOWN_COMMAND"),
    "keys in the payload": (
        json.dumps({"id": 1, "publish": {"channel": "den", "data": {f"k{it}": 1 for it in range(4000)}}}),
        None,
    ),
    "the same key again": ('{"id":1,"ping":{},"ping":{}}', "BAD_COMMAND"),
    "the same key again in a payload": (
        '{"id":1,"publish":{"channel":"den","data":{"a":1,"a":2,"__proto__":{}}}}',
        None,
    ),
    "two numbers": ('{"id":1,"id":2,"ping":{}}', "BAD_COMMAND"),
    "a huge number": ('{"id":' + "9" * 50_000 + ',"ping":{}}', ("BAD_COMMAND", "INVALID_JSON")),
    "a huge exponent": ('{"id":1e999999999,"ping":{}}', ("BAD_COMMAND", "INVALID_JSON")),
    "a negative number": ('{"id":-1,"ping":{}}', "BAD_COMMAND"),
    "half a number": ('{"id":1.5,"ping":{}}', "BAD_COMMAND"),
    "beyond 64 bits": ('{"id":18446744073709551616,"ping":{}}', "BAD_COMMAND"),
    "a huge number in a payload": (
        '{"id":1,"publish":{"channel":"den","data":' + "9" * 50_000 + "}}",
        None,
    ),
    "a lone surrogate": ('{"id":1,"subscribe":{"channel":"\\ud800"}}', ("BAD_COMMAND", "INVALID_JSON")),
    "a zero byte": ('{"id":1,"subscribe":{"channel":"\\u0000"}}', "BAD_CHANNEL"),
    "no JSON": ("hello", "INVALID_JSON"),
    "nothing": ("", "INVALID_JSON"),
    "half a command": ('{"id":1,"ping":{', "INVALID_JSON"),
    "a comment": ('{"id":1,/**/"ping":{}}', "INVALID_JSON"),
    "NaN": ('{"id":1,"publish":{"channel":"den","data":NaN}}', "INVALID_JSON"),
    "a byte order mark": ('\ufeff{"id":1,"ping":{}}', "INVALID_JSON"),
    "two commands in one": ('{"id":1,"ping":{},"subscribe":{"channel":"den"}}', "BAD_COMMAND"),
    "no command": ('{"id":1}', "BAD_COMMAND"),
    "a text": ('"ping"', ("BAD_COMMAND", "INVALID_JSON")),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_json_is_answered_at_once(gate, name):
    """F11: an error or an answer, quickly, and the connection is as good as before."""
    text, expected = BOMBS[name]
    with gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        began = time.monotonic()
        ws.send(text)
        said = ws.json()
        assert time.monotonic() - began < 1.0
        if expected is None:
            assert "error" not in said, said
        else:
            assert said["error"]["code"] in expected, said
        ws.ids = 100
        assert "pong" in ws.ask(ping={})


def test_a_message_beyond_the_bound_is_refused_before_it_is_read(gate):
    """F11: megabytes of line feeds or brackets are too big, whatever is in them."""
    for filling in (b"\n", b"[", b'{"a":'):
        with gate.ws(f"/ws?token={tokens.token()}") as ws:
            with contextlib.suppress(ConnectionError):
                ws.send(filling * (8_000_000 // len(filling)))
            assert ws.end().code in (1009, 1006)


@pytest.mark.parametrize("path", ["/api/publish", "/api/broadcast", "/api/disconnect"])
def test_bombs_over_http_are_refused_at_once(gate, path):
    """F11: the same over the HTTP API: 400 for what is no request, 413 for what is too large."""
    with watched(gate, grows_mib=24, canary=False):
        for body in (
            "[" * 900_000,
            '{"a":' * 180_000,
            "\n" * 900_000,
            '{"channel":"den","data":' + "[" * 400_000 + "]" * 400_000 + "}",
            '{"channel":"den","data":' + "[" * 65 + "]" * 65 + "}",
            '{"channels":["a"],"data":' + "[" * 65 + "]" * 65 + "}",
            '{"user":' + "9" * 900_000 + "}",
            '{"channel":"den","channel":"eve","data":1}',
            "{}",
            "",
        ):
            began = time.monotonic()
            answer = gate.http("POST", path, body)
            assert answer.status == 400, (body[:40], answer)
            assert time.monotonic() - began < 1.0
        answer = gate.http("POST", path, "[" * 1_100_000)
        assert answer.status == 413
    many = {"channels": [f"c{it}" for it in range(101)], "data": 1}
    assert gate.http("POST", "/api/broadcast", many).status == 400


def test_payloads_pass_as_they_were_written(gate):
    """F11: what is not looked into is not changed: huge numbers, the order and repetition of keys."""
    odd = '{"b":1e400,"a":123456789012345678901234567890,"b":-0.0,"\\u0041":"\\ud83d\\ude00"}'
    with gate.ws(f"/plain/odd?token={tokens.token()}") as ws:
        gate.joined(ws, "room:odd")
        body = '{"channel":"room:odd","data":%s}' % odd
        assert gate.http("POST", "/api/publish", body).status == 200
        assert ws.text() == odd


# F14. -------------------------------------------------------------------------------------------


def test_ever_new_names_leave_nothing_behind(gate):
    """F14: ten thousand names, three times: the third takes no more memory, and no new series."""
    series = len(gate.metrics())
    with watched(gate, grows_mib=48) as watch, gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()

        def churn(prefix):
            for at in range(0, 10_000, 32):
                names = [f"{prefix}:{it}:{'n' * 200}" for it in range(at, at + 32)]
                for command in ("subscribe", "unsubscribe"):
                    ws.say([{"id": it, command: {"channel": n}} for it, n in enumerate(names)])
                    for _ in names:
                        assert "error" not in ws.json()
            watch.look()
            return gate.rss()

        first = churn("one")
        second = churn("two")
        third = churn("three")
        # A channel keeps its place for a minute; nobody has published, so there is none to keep.
        assert third - second < 12 << 20, (first, second, third)
        # Shown once a second; the canary has a seat of its own.
        until(lambda: gate.metric("tidegate_memberships") <= 1)
    assert len(gate.metrics()) <= series + 4


def test_a_connection_is_in_so_many_channels(gate):
    """F14: the 129th is refused, and 500 connections in 64 channels each cost little."""
    with gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        for index in range(128):
            assert "subscribed" in ws.ask(subscribe={"channel": f"c:{index}"})
        assert ws.ask(subscribe={"channel": "c:128"})["error"]["code"] == "TOO_MANY_CHANNELS"
        assert "unsubscribed" in ws.ask(unsubscribe={"channel": "c:0"})
        assert "subscribed" in ws.ask(subscribe={"channel": "c:128"})
    until(lambda: gate.metric("tidegate_memberships") == 0)
    before, crowd, each = gate.rss(), [], 64
    with contextlib.ExitStack() as stack:
        for index in range(200):
            ws = stack.enter_context(gate.ws(f"/ws?token={tokens.token()}"))
            ws.json()
            names = [f"mine:{index}:{it}" for it in range(each)]
            ws.say([{"id": it, "subscribe": {"channel": n}} for it, n in enumerate(names)])
            crowd.append(ws)
        for ws in crowd:
            for _ in range(each):
                assert "subscribed" in ws.json()
        cost = (gate.rss() - before) / (200 * each)
        assert cost < 4096, f"{cost:.0f} bytes for each seat in a channel of its own"
    until(lambda: gate.metric("tidegate_memberships") == 0)


def test_a_name_has_at_most_255_bytes(gate):
    """F14: everywhere a name can be said."""
    long = "n" * 256
    with gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        assert ws.ask(subscribe={"channel": long})["error"]["code"] == "BAD_CHANNEL"
    assert gate.http("POST", "/api/publish", {"channel": long, "data": 1}).status == 400
    assert gate.http("GET", f"/api/channels/{long}").status == 400
    assert raw.asked(gate.port, f"/plain/{long}?token={tokens.token()}").status in (403, 404)
