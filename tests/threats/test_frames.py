"""Frames, messages and compression that mean harm: F2 to F9. Autobahn has the rules one by one."""

import contextlib
import struct
import time
import zlib

import pytest
import raw
import tokens
from gate import until, watched

MESSAGE_MAX = 1 << 20
DEFLATE = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
ECHO_FRAMES_MAX = 1024


@pytest.fixture(params=["/echo", "/plain/den", "/ws", "unproven"])
def target(request):
    """One address of each kind; on the last one nobody has shown a token yet."""
    if request.param == "unproven":
        return "/ws"
    return f"{request.param}?token={tokens.token()}"


def test_a_claim_of_a_huge_message_takes_no_memory(gate, target):
    """F2: five hundred claims of 2^62 bytes, refused by the header; the top bit is a breach."""
    with watched(gate, grows_mib=10, canary=False), contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(gate.ws(target)) for _ in range(500)]
        for ws in crowd:
            ws.send(b"", length=1 << 62)
        assert {ws.end().code for ws in crowd} == {1009}
        for length in (1 << 63, (1 << 64) - 1):
            with gate.ws(target) as ws:
                ws.send(b"", length=length)
                assert ws.end().code == 1002
        # In two fragments the second one is refused as well.
        with gate.ws(target) as ws:
            ws.send(b"a", fin=False)
            ws.send(b"", opcode=0, length=(1 << 63) - 1)
            assert ws.end().code == 1009


@pytest.mark.parametrize("piece", [b"", b"x"])
def test_a_flood_of_fragments_ends_at_the_bound(gate, target, piece):
    """F3: a million fragments of nothing or of a byte; pings between them are answered."""
    with watched(gate, grows_mib=10, canary=False), gate.ws(target) as ws:
        ws.send(piece, fin=False)
        flood = raw.frame(0, piece, fin=False) * 500
        ws.sock.sendall(flood + raw.frame(raw.PING, b"still?"))
        while (got := ws.frame())[0] != raw.PONG:
            pass
        assert got[1] == b"still?"
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                ws.sock.sendall(flood)
        closed = ws.end()
        # A reset may overtake the goodbye while we are still sending.
        assert closed.code in (1008, 1006), closed
    with gate.ws(target) as ws:
        ws.send(piece, fin=False)
        ws.sock.sendall(raw.frame(0, piece, fin=False) * ECHO_FRAMES_MAX)
        assert ws.end().code == 1008


BEGUN = (raw.frame(raw.TEXT, b"a", fin=False), raw.frame(raw.TEXT, b"abc")[:-1], b"\x81")


def test_a_message_that_is_not_finished_ends_the_connection(gate):
    """F3: two seconds for one message, however alive its sender looks."""
    for begin in BEGUN:
        with gate.ws("/echo") as ws:
            began = time.monotonic()
            ws.sock.sendall(begin)
            if begin is BEGUN[0]:
                for _ in range(3):
                    ws.sock.sendall(raw.frame(raw.PING) + raw.frame(0, b"b", fin=False))
            closed = ws.end()
            assert closed.code == 1008 and 1.5 < time.monotonic() - began < 3.5, closed


# F4. --------------------------------------------------------------------------------------------


def deflated(data: bytes, level=9) -> bytes:
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


# A kilobyte that inflates to a megabyte and refers to nothing before it: a bomb is many of them.
POWDER = (lambda it: it.compress(bytes(1 << 20)) + it.flush(zlib.Z_FULL_FLUSH))(
    zlib.compressobj(9, zlib.DEFLATED, -15)
)


def bomb(limit: int) -> bytes:
    """As much as a message may have on the wire; some thousand times as much when inflated."""
    return POWDER * (limit // len(POWDER) - 1)


@pytest.fixture(scope="module")
def squeezing(house):
    """Compression where a token comes first, where it comes later, and where none does."""
    import gate as gates

    routes = gates.ROUTES.replace('path = "/ws"\n', 'path = "/ws"\ncompression = "messages"\n')
    routes = routes.replace("{room}\"\n", "{room}\"\ncompression = \"messages\"\n")
    with house.open(routes) as gate:
        yield gate


@pytest.mark.parametrize("where", ["/echo", "/plain/den", "/ws", "unproven"])
def test_a_bomb_is_stopped_at_the_bound(squeezing, where):
    """F4: a megabyte that would be a gigabyte: 1009, and no more memory than a message may have.

    Whole, in a hundred fragments, and longer on the wire than a message may be.
    """
    target = "/ws" if where == "unproven" else f"{where}?token={tokens.token()}"
    wire = bomb(MESSAGE_MAX if where == "/echo" else 64 << 10)
    with watched(squeezing, grows_mib=8) as watch:
        with squeezing.ws(target, headers=DEFLATE) as ws:
            ws.send(wire, raw.BINARY, rsv=4)
            watch.look()
            assert ws.end().code == 1009
        step = len(wire) // 100 + 1
        pieces = [wire[at : at + step] for at in range(0, len(wire), step)]
        with squeezing.ws(target, headers=DEFLATE) as ws:
            ws.send(pieces[0], raw.BINARY, fin=False, rsv=4)
            with contextlib.suppress(ConnectionError):
                for piece in pieces[1:]:
                    ws.send(piece, 0, fin=piece is pieces[-1])
                    watch.look()
            assert ws.end().code in (1009, 1006)
        with squeezing.ws(target, headers=DEFLATE) as ws:
            ws.send(wire[:1000], raw.BINARY, rsv=4, length=MESSAGE_MAX * 2)
            assert ws.end().code == 1009


def test_fifty_bombs_at_once(squeezing):
    """F4: in parallel; each connection has no more than its bound, and they share an inflater."""
    with watched(squeezing, grows_mib=30) as watch, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(squeezing.ws("/echo", headers=DEFLATE)) for _ in range(50)]
        frame = raw.frame(raw.BINARY, bomb(16 << 10), rsv=4)
        for ws in crowd:
            ws.sock.sendall(frame)
        watch.look()
        assert {ws.end().code for ws in crowd} == {1009}


def test_what_is_compressed_but_not_agreed_to_is_a_breach(gate, squeezing):
    """F4: the bit that says compressed, where nobody negotiated it, before and after the token."""
    for at, target in ((gate, "/ws"), (squeezing, "/ws"), (gate, "/echo")):
        with at.ws(target) as ws:
            ws.send(deflated(b"hello"), rsv=4)
            assert ws.end().code == 1002


def test_connections_that_could_compress_cost_little(squeezing):
    """F5: an idle connection with compression keeps no window of its own."""
    count = 500
    before = squeezing.rss()
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(squeezing.ws("/echo", headers=DEFLATE)) for _ in range(count)]
        text = b"the same words again and again " * 64
        for ws in crowd:
            ws.send(deflated(text), rsv=4)
        for ws in crowd:
            assert inflated(ws.frame()) == text
        each = (squeezing.rss() - before) / count
    assert each < 16 << 10, f"{each / 1024:.1f} KiB each"


def inflated(got) -> bytes:
    """The payload, by an inflater that has seen nothing before."""
    opcode, payload, first = got
    if not first & 0x40:
        return payload
    return zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")


def test_garbage_in_a_compressed_message_ends_its_connection_only(squeezing):
    """F5: blocks that are none, windows that are none; the shared inflater is as good as before."""
    rubbish = [b"\xff" * 100, b"\x06", b"\x01\x05\0\0\0hello", b"\x03\0" * 5000, deflated(b"ab")[:-1]]
    for payload in rubbish:
        with squeezing.ws("/echo", headers=DEFLATE) as ws, contextlib.suppress(raw.Closed):
            ws.sock.settimeout(3)
            ws.send(payload, raw.BINARY, rsv=4)
            ws.frame()
        with squeezing.ws("/echo", headers=DEFLATE) as ws:
            ws.send(deflated(b"hello" * 100), rsv=4)
            assert inflated(ws.frame()) == b"hello" * 100


def test_nobody_is_compressed_in_anybody_elses_context(squeezing):
    """F6: each message inflates by itself, so no length tells what another one held."""
    target = f"/plain/den?token={tokens.token()}"
    with squeezing.ws(target, headers=DEFLATE) as one, squeezing.ws(target, headers=DEFLATE) as two:
        for ws in (one, two):
            agreed = ws.answer.header("sec-websocket-extensions")
            assert "server_no_context_takeover" in agreed
        for ws in (one, two):
            squeezing.joined(ws, "room:den")
        secret = {"token": "0123456789abcdef" * 20}
        sizes = []
        for _ in range(3):
            squeezing.publish("room:den", secret)
            got = [until(lambda ws=ws: with_token(ws.frame())) for ws in (one, two)]
            assert all(it[2] & 0x40 for it in got)
            sizes.append({len(it[1]) for it in got})
        assert sizes[0] == sizes[1] == sizes[2]


def with_token(got):
    """The frame, if it is the one looked for and inflates by itself."""
    return got if b"0123456789abcdef" in inflated(got) else None


# F7, F8, F9. ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xf4\x90\x80\x80", b"\x80"],
)
def test_bad_text_is_refused_before_its_message_ends(gate, target, text):
    """F7: surrogates, overlong and impossible bytes: 1007 at once, not when the message is whole."""
    for head in (b"", b"good ", "ä".encode()):
        with gate.ws(target) as ws:
            ws.send(head + text, fin=False)
            assert ws.end().code == 1007
    with gate.ws(target) as ws:
        ws.send(b"\xc3", fin=False)
        ws.send(text, opcode=0, fin=False)
        if text != b"\x80":  # Which ends the character that was begun.
            assert ws.end().code == 1007


@pytest.mark.parametrize(
    "name,bytes_",
    [
        ("no mask", raw.frame(raw.TEXT, b"hi", mask=None)),
        ("the second reserved bit", raw.frame(raw.TEXT, b"hi", rsv=2)),
        ("the third reserved bit", raw.frame(raw.TEXT, b"hi", rsv=1)),
        ("a reserved opcode", raw.frame(3, b"hi")),
        ("a reserved control opcode", raw.frame(11, b"hi")),
        ("a long ping", raw.frame(raw.PING, b"x" * 126)),
        ("a ping in fragments", raw.frame(raw.PING, b"x", fin=False)),
        ("a continuation of nothing", raw.frame(0, b"x")),
        ("a message within a message", raw.frame(1, b"x", fin=False) + raw.frame(1, b"y")),
        ("a close of one byte", raw.frame(raw.CLOSE, b"\x03")),
        *(
            (f"a close with {code}", raw.frame(raw.CLOSE, struct.pack(">H", code)))
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
        ),
    ],
)
def test_a_breach_of_the_protocol_ends_the_connection(gate, target, name, bytes_):
    """F8: with 1002, on every kind of route."""
    with gate.ws(target) as ws:
        ws.sock.sendall(bytes_)
        assert ws.end().code == 1002, name


@pytest.mark.parametrize("opcode", [raw.PING, raw.PONG])
def test_a_flood_of_control_frames_ends_the_connection(gate, target, opcode):
    """F9: two hundred thousand from someone who does not read: over within a second or so."""
    flood = raw.frame(opcode, b"x" * 100) * 1000
    with watched(gate, grows_mib=10), gate.ws(target, rcvbuf=4096) as ws:
        began, cpu = time.monotonic(), gate.cpu()
        ws.sock.settimeout(5)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                ws.sock.sendall(flood)
        counted = 'tidegate_connections_closed_by_gateway_total{code="TOO_MANY_PINGS"}'
        assert ws.end().code in (1008, 1006)
        assert time.monotonic() - began < 3.0
        assert gate.cpu() - cpu < 1.5
    assert 0 < gate.metrics()[counted]


def test_a_flood_of_goodbyes_is_one(gate):
    """F9: after the first close nothing is looked at, and it is answered once."""
    with gate.ws("/echo") as ws:
        ws.sock.sendall(raw.frame(raw.CLOSE, b"\x03\xe8") * 10_000)
        data, is_closed = raw.drained(ws.sock)
    assert data in (b"\x88\x02\x03\xe8", b"") and is_closed


def test_twenty_pings_a_second_are_nobodys_flood(gate):
    """F9: what a nervous client does is not punished."""
    with gate.ws("/echo") as ws:
        for index in range(40):
            ws.send(str(index), raw.PING)
            if index % 20 == 0:
                ws.send(b"", raw.PONG)
            assert ws.frame()[:2] == (raw.PONG, str(index).encode())
    until(lambda: gate.is_alive())
