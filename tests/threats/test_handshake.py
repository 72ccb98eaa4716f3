"""Origins, hosts, desynchronised requests and hostile heads: H1 to H6."""

import contextlib
import time

import pytest
import raw
import tokens
from gate import COMMON, SERVER, until

GOOD = "https://good.com"
LISTED = '["https://good.com", "https://app.good.com:8443", "http://localhost:3000", "null"]'

# What a page may call itself, and whether the list above means it. None stands for no header.
BY_LIST = [
    ("https://good.com", 101),
    ("https://good.com:443", 101),
    ("HTTPS://GOOD.COM", 101),
    ("https://app.good.com:8443", 101),
    ("http://localhost:3000", 101),
    ("null", 101),
    (None, 101),
    ("https://evil.com", 403),
    ("http://good.com", 403),
    ("http://good.com:443", 403),
    ("https://good.com:80", 403),
    ("https://good.com:8443", 403),
    ("https://app.good.com", 403),
    ("https://app.good.com:443", 403),
    ("https://a.b.good.com", 403),
    ("https://www.good.com", 403),
    ("https://good.com.evil.com", 403),
    ("https://evilgood.com", 403),
    ("https://good.com@evil", 403),
    ("https://evil@good.com", 403),
    ("https://good.com.", 403),
    ("https://.good.com", 403),
    ("https://good.com/", 403),
    ("https://good.com/path", 403),
    ("https://good.com?x", 403),
    ("https://good.com#x", 403),
    ("https://good.com:", 403),
    ("https://good.com:0443", 403),
    ("https://good.com:+443", 403),
    ("https://good.com:65979", 403),
    ("https://*.good.com", 403),
    ("*", 403),
    ("", 403),
    ("good.com", 403),
    ("//good.com", 403),
    ("https:good.com", 403),
    ("https:/good.com", 403),
    ("https://", 403),
    ("wss://good.com", 403),
    ("ftp://good.com", 403),
    ("file://", 403),
    ("chrome-extension://good.com", 403),
    ("http://localhost", 403),
    ("http://localhost:3001", 403),
    ("http://127.0.0.1", 403),
    ("http://127.0.0.1:3000", 403),
    ("http://[::1]:3000", 403),
    ("https://xn--god-tna.com", 403),
    ("https://go\xf6d.com", 403),
    ("https://good.com, https://evil.com", 403),
    ("https://good.com https://evil.com", 403),
    ("https://good%2ecom", 403),
    ("NULL", 403),
    ("https://good.com\t.evil.com", 403),
]

# The same where the page must be of the host that the request is for, which is good.com.
BY_HOST = [
    ("https://good.com", 101),
    ("https://GOOD.com", 101),
    (None, 101),
    ("http://good.com", 101),
    ("null", 403),
    ("https://evil.com", 403),
    ("https://good.com:8443", 403),
    ("https://good.com.", 403),
    ("https://good.com.evil.com", 403),
    ("https://evilgood.com", 403),
    ("https://good.com@evil", 403),
    ("https://a.good.com", 403),
    ("ws://good.com", 403),
    ("http://localhost", 403),
    ("http://127.0.0.1", 403),
    ("", 403),
]


def three_kinds(name, origins, more=""):
    """A native, a plain and an echo route with the same rule about origins."""
    kinds = {
        "native": 'dialect = "native"\ntokens = "access"',
        "plain": 'tokens = "access"',
        "echo": 'app = "echo"\ntokens = "none"',
    }
    return "".join(
        f"""
[[routes]]
path = "/{name}/{kind}"
{lines}
origins = {origins}
limits = "none"
{more}
"""
        for kind, lines in kinds.items()
    )


@pytest.fixture(scope="module")
def choosy(house):
    routes = three_kinds("listed", LISTED) + three_kinds("same", '"same"')
    routes += three_kinds("strict", LISTED, "allow_missing_origin = false")
    cookie = three_kinds("cookie", LISTED, 'from = ["cookie:token", "query:token"]')
    with house.open(routes + cookie.replace('app = "echo"\ntokens = "none"', 'tokens = "access"')) as it:
        yield it


def asked(gate, rule, kind, **options):
    target = f"/{rule}/{kind}?token={tokens.token()}"
    return raw.asked(gate.port, target, host="good.com", **options)


@pytest.mark.parametrize("kind", ["native", "plain", "echo"])
@pytest.mark.parametrize("rule,table", [("listed", BY_LIST), ("same", BY_HOST)])
def test_pages_of_other_origins_may_not_connect(choosy, kind, rule, table):
    """H1: the table of origins on every kind of route."""
    wrong = []
    for origin, expected in table:
        answer = asked(choosy, rule, kind, origin=origin)
        if answer.status != expected:
            wrong.append((origin, answer))
        elif expected == 403:
            assert answer.code == "ORIGIN_REFUSED"
    assert not wrong


@pytest.mark.parametrize("kind", ["native", "plain", "echo"])
def test_two_origins_are_none(choosy, kind):
    """H1: two Origin headers, even if both are good."""
    for second in (GOOD, "https://evil.com", "null", ""):
        answer = asked(choosy, "listed", kind, origin=GOOD, headers=[("Origin", second)])
        assert (answer.status, answer.code) == (403, "ORIGIN_REFUSED"), second


def test_a_pattern_is_no_origin(house):
    """H1: `https://*.good.com` in a list is a fault at the start, not a pattern that half works."""
    status, said = house.check(SERVER + COMMON + three_kinds("x", '["https://*.good.com"]'))
    assert status != 0 and "origins" in said


@pytest.mark.parametrize("kind", ["native", "plain"])
def test_who_says_no_origin_is_let_in_only_where_that_is_said(choosy, kind):
    """H2: both values of allow_missing_origin, and never where a cookie can bring the token."""
    assert asked(choosy, "listed", kind).status == 101
    assert asked(choosy, "strict", kind).status == 403
    assert asked(choosy, "strict", kind, origin=GOOD).status == 101
    assert asked(choosy, "cookie", kind).status == 403
    cookie = [("Cookie", f"token={tokens.token()}")]
    assert asked(choosy, "cookie", kind, headers=cookie).status == 403
    assert asked(choosy, "cookie", kind, origin="https://evil.com", headers=cookie).status == 403
    assert asked(choosy, "cookie", kind, origin=GOOD, headers=cookie).status == 101


def test_cookies_from_any_origin_are_refused_at_the_start(house):
    """H1: ambient credentials and no list of origins."""
    for origins in ('"*"', '"same"'):
        routes = three_kinds("x", origins, 'from = ["cookie:token"]')
        production = SERVER.replace("development", "production")
        assert house.check(production + COMMON + routes)[0] != 0, origins
    assert house.check(SERVER + COMMON + three_kinds("x", '"*"', 'from = ["cookie:token"]'))[0] != 0


def test_another_host_is_not_answered_for(house):
    """H3: a page that rebinds its own name to our address reaches nothing."""
    server = SERVER + 'hosts = ["good.com", "127.0.0.1"]\n'
    with house.open(server=server) as gate:
        for host in ("evil.test", "evil.test:80", "localhost", "good.com.", "good.com.evil.test"):
            for path in ("/metrics", "/api/monitoring/websocket/metrics", "/", "/api/channels/a"):
                answer = gate.http("GET", path, host=host)
                assert (answer.status, answer.code) == (421, "HOST_REFUSED"), (host, path)
            assert gate.http("POST", "/api/publish", {}, host=host).status == 421
            for target in ("/ws", "/plain/a", "/echo"):
                answer = raw.asked(gate.port, f"{target}?token={tokens.token()}", host=host)
                assert (answer.status, answer.code) == (421, "HOST_REFUSED"), (host, target)
        for host in ("good.com", "GOOD.com:8000", "127.0.0.1"):
            assert gate.http("GET", "/metrics", host=host).status == 200
            assert raw.asked(gate.port, "/echo", host=host).status == 101


def test_a_probe_may_name_any_host(house):
    """H3: probes come by address, and health is no secret; docs/http.md says so."""
    with house.open(server=SERVER + 'hosts = ["good.com", "127.0.0.1"]\n') as gate:
        assert gate.http("GET", "/health/live", host="10.0.0.7:8000", key=None).status == 200


# H4. --------------------------------------------------------------------------------------------

BEHIND = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def lines(*changed, first="GET /echo HTTP/1.1", without=(), end="\r\n") -> bytes:
    """A good request for a WebSocket with lines added, replaced (by name) or left out."""
    good = {
        "host": "Host: 127.0.0.1",
        "upgrade": "Upgrade: websocket",
        "connection": "Connection: Upgrade",
        "sec-websocket-version": "Sec-WebSocket-Version: 13",
        "sec-websocket-key": f"Sec-WebSocket-Key: {raw.KEY}",
    }
    kept = [line for name, line in good.items() if name not in without]
    return (end.join([first, *kept, *changed]) + end * 2).encode("latin-1")


def replaced(name, *new) -> bytes:
    return lines(*new, without=(name,))


CORPUS = {
    "a body by length": (lines("Content-Length: 5") + b"hello", 400),
    "a body that is a request": (lines(f"Content-Length: {len(BEHIND)}"), 400),
    "a body in chunks": (lines("Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "a body in chunks, spelt oddly": (lines("transfer-encoding: Chunked") + b"0\r\n\r\n", 400),
    "identity": (lines("Transfer-Encoding: identity"), 400),
    "gzip": (lines("Transfer-Encoding: gzip"), 400),
    "gzip, chunked": (lines("Transfer-Encoding: gzip, chunked"), 400),
    "chunked twice": (lines("Transfer-Encoding: chunked, chunked"), 400),
    "xchunked": (lines("Transfer-Encoding: xchunked"), 400),
    "chunked in two headers": (lines(*["Transfer-Encoding: chunked"] * 2), 400),
    "an empty encoding": (lines("Transfer-Encoding:"), 400),
    "length and chunks": (lines("Content-Length: 4", "Transfer-Encoding: chunked"), 400),
    "chunks and length": (lines("Transfer-Encoding: chunked", "Content-Length: 4"), 400),
    "two lengths": (lines("Content-Length: 0", "Content-Length: 5"), 400),
    "the same length twice": (lines("Content-Length: 0", "Content-Length: 0"), 400),
    "a list of lengths": (lines("Content-Length: 0, 0"), 400),
    "a length with a sign": (lines("Content-Length: +0"), 400),
    "a negative length": (lines("Content-Length: -1"), 400),
    "a hexadecimal length": (lines("Content-Length: 0x0"), 400),
    "a length with a blank in it": (lines("Content-Length: 0 0"), 400),
    "an empty length": (lines("Content-Length:"), 400),
    "a length beyond 64 bits": (lines("Content-Length: 18446744073709551616"), 400),
    "two hosts": (lines("Host: 127.0.0.1"), 400),
    "two different hosts": (lines("Host: evil.test"), 400),
    "no host": (lines(without=("host",)), 400),
    "an empty list of hosts": (replaced("host", "Host: a, b"), 400),
    "a host with a user": (replaced("host", "Host: a@127.0.0.1"), 400),
    "a host with a blank": (replaced("host", "Host: 127.0.0.1 evil"), 400),
    "a folded header": (lines("X-A: b\r\n c"), 400),
    "a folded header with a tab": (lines("X-A: b\r\n\tc"), 400),
    "a folded encoding": (lines("Transfer-Encoding:\r\n chunked"), 400),
    "line feeds alone": (lines(end="\n"), 400),
    "one line feed alone": (lines("X-A: b\nX-B: c"), 400),
    "a carriage return alone": (lines("X-A: b\rX-B: c"), 400),
    "an end of line feeds": (lines()[:-2] + b"\n", 400),
    "a blank before the colon": (lines("Content-Length : 0"), 400),
    "a tab before the colon": (lines("X-A\t: b"), 400),
    "no colon": (lines("nonsense"), 400),
    "no name": (lines(": b"), 400),
    "a name in brackets": (lines("X(A): b"), 400),
    "a zero byte in a value": (lines("X-A: a\0b"), 400),
    "a zero byte in a name": (lines("X-\0A: b"), 400),
    "a high byte in a name": (lines("X-\xff: b"), 400),
    "HTTP/1.0": (lines(first="GET /echo HTTP/1.0"), 400),
    "HTTP/0.9": (b"GET /echo\r\n\r\n", 400),
    "HTTP/1.2": (lines(first="GET /echo HTTP/1.2"), 400),
    "HTTP/2.0": (lines(first="GET /echo HTTP/2.0"), 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "lower-case http": (lines(first="GET /echo http/1.1"), 400),
    "two blanks in the request line": (lines(first="GET  /echo HTTP/1.1"), 400),
    "a tab in the request line": (lines(first="GET\t/echo HTTP/1.1"), 400),
    "a blank at its end": (lines(first="GET /echo HTTP/1.1 "), 400),
    "an empty line before": (b"\r\n" + lines(), 400),
    "a line feed before": (b"\n" + lines(), 400),
    "a blank before": (b" " + lines(), 400),
    "an absolute target": (lines(first="GET http://evil.test/echo HTTP/1.1"), 400),
    "an authority as target": (lines(first="GET evil.test:80 HTTP/1.1"), 400),
    "a star as target": (lines(first="GET * HTTP/1.1"), 400),
    "a fragment in the target": (lines(first="GET /echo#a HTTP/1.1"), 400),
    "a high byte in the target": (lines(first="GET /ech\xf6 HTTP/1.1"), 400),
    "CONNECT": (lines(first="CONNECT 127.0.0.1:80 HTTP/1.1"), 400),
    "POST": (lines(first="POST /echo HTTP/1.1"), 400),
    "HEAD": (lines(first="HEAD /echo HTTP/1.1"), 400),
    "get": (lines(first="get /echo HTTP/1.1"), 400),
    "no key": (lines(without=("sec-websocket-key",)), 400),
    "two keys": (lines(f"Sec-WebSocket-Key: {raw.KEY}"), 400),
    "an empty key": (replaced("sec-websocket-key", "Sec-WebSocket-Key:"), 400),
    "a short key": (replaced("sec-websocket-key", "Sec-WebSocket-Key: c2hvcnQ="), 400),
    "a long key": (replaced("sec-websocket-key", f"Sec-WebSocket-Key: {'A' * 44}"), 400),
    "a key of 17 bytes": (
        replaced("sec-websocket-key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="),
        400,
    ),
    "a key without padding": (replaced("sec-websocket-key", f"Sec-WebSocket-Key: {raw.KEY[:-2]}"), 400),
    "a key that is no base64": (
        replaced("sec-websocket-key", "Sec-WebSocket-Key: ????????????????????????"),
        400,
    ),
    "no version": (lines(without=("sec-websocket-version",)), 426),
    "two versions": (lines("Sec-WebSocket-Version: 13"), 426),
    "version 8": (replaced("sec-websocket-version", "Sec-WebSocket-Version: 8"), 426),
    "version 12": (replaced("sec-websocket-version", "Sec-WebSocket-Version: 12"), 426),
    "version 013": (replaced("sec-websocket-version", "Sec-WebSocket-Version: 013"), 426),
    "a list of versions": (replaced("sec-websocket-version", "Sec-WebSocket-Version: 8, 13"), 426),
    "no Connection": (lines(without=("connection",)), 426),
    "Connection: close": (replaced("connection", "Connection: close"), 426),
    "no Upgrade but a key": (lines(without=("upgrade",)), 426),
    "another Upgrade with a key": (replaced("upgrade", "Upgrade: h2c"), 426),
    "nothing at this address": (lines(first="GET /nothing HTTP/1.1"), 404),
    "no token": (lines(first="GET /plain/a HTTP/1.1"), 401),
}


def test_the_corpus_is_large_enough():
    """H4: at least sixty requests."""
    assert 60 <= len(CORPUS)


def answers(data: bytes) -> list[int]:
    """The statuses of all HTTP answers in the bytes."""
    found, rest = [], data
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        answer = raw.Answer(head, b"")
        found.append(answer.status)
        rest = rest[int(answer.header("content-length") or 0) :]
    return found


@pytest.mark.parametrize("name", CORPUS)
def test_a_refused_request_is_answered_once_and_nothing_behind_it(gate, name):
    """H4: one answer, the connection closed, and no answer to the request behind it."""
    sent, status = CORPUS[name]
    for pieces in ([sent + BEHIND], [sent, BEHIND], [sent + raw.frame(raw.TEXT, b"hi") + BEHIND]):
        with raw.connect(gate.port) as sock:
            # The other side may have closed before the second piece.
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    sock.sendall(piece)
            data, is_closed = raw.drained(sock)
        assert answers(data) == [status], data
        assert is_closed
        assert b"Connection: close" in data or b"connection: close" in data
        if status == 426:
            assert b"Sec-WebSocket-Version: 13" in data


@pytest.mark.parametrize("target", ["/echo", "/ws", "/plain/a"])
def test_what_follows_a_granted_request_is_frames(gate, target):
    """H4: behind a 101 there is no second request either, whoever decides about the first."""
    target = f"{target}?token={tokens.token()}".encode()
    with raw.connect(gate.port) as sock:
        sock.sendall(lines().replace(b"/echo", target) + BEHIND)
        data, is_closed = raw.drained(sock)
    assert data.count(b"HTTP/1.1") == 1 and data.startswith(b"HTTP/1.1 101")
    assert is_closed and b"\x03\xea" in data  # 1002: "G" begins no frame.


@pytest.mark.parametrize("target", ["/echo", "/ws"])
def test_a_frame_that_comes_with_the_request_is_not_lost(gate, target):
    """H4: nor is half of what follows the request read and half of it dropped."""
    request = lines().replace(b"/echo", f"{target}?token={tokens.token()}".encode())
    said = raw.frame(raw.TEXT, b'{"id":1,"ping":{}}')
    for cut in (len(request) + len(said), len(request) + 3, len(request)):
        with raw.connect(gate.port) as sock:
            whole = request + said + raw.frame(raw.CLOSE, b"\x03\xe8")
            sock.sendall(whole[:cut])
            sock.sendall(whole[cut:])
            data, is_closed = raw.drained(sock)
        expected = b'"pong"' if target == "/ws" else b'"ping"'
        assert is_closed and expected in data, (cut, data)


def test_an_upgrade_to_something_else_is_an_ordinary_request(gate):
    """H4: `Upgrade: h2c` is not granted, so the next request is one, for us and for any proxy."""
    sent = raw.request("GET", "/health/live", [("Upgrade", "h2c"), ("Connection", "Upgrade")])
    with raw.connect(gate.port) as sock:
        sock.sendall(sent + raw.request("GET", "/health/live", [("Connection", "close")]))
        data, is_closed = raw.drained(sock)
    assert answers(data) == [200, 200] and is_closed


def counted(gate) -> int:
    """Requests that the gate has taken for one, before this one."""
    names = ("handshakes_refused", "http_requests", "connections_opened")
    samples = gate.metrics().items()
    ours = tuple(f"tidegate_{name}_total" for name in names)
    return sum(int(value) for key, value in samples if key.split("{")[0] in ours)


def test_a_proxy_and_the_gate_count_the_same_requests(gate, nginx):
    """H4: the corpus through nginx; what it passed on and what the gate saw are as many."""
    asking = 1  # Counting is a request too, counted from the next time on.
    before = counted(gate)
    for sent, _ in CORPUS.values():
        with raw.connect(nginx.port) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(sent + BEHIND)
            raw.drained(sock, 0.2)

    def agree():
        nonlocal asking
        seen = counted(gate) - before - asking
        asking += 1
        return seen == nginx.passed_on()

    until(agree)
    assert 0 < nginx.passed_on()


# H5, H6. ----------------------------------------------------------------------------------------


def test_an_endless_head_ends_at_its_bound(gate):
    """H5: eight megabytes a byte at a time: over after 16 KiB, and little work done."""
    before, sent = gate.cpu(), 0
    with raw.connect(gate.port) as sock:
        sock.sendall(b"GET /echo HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while sent < 8 << 20:
                sock.sendall(b"x")
                sent += 1
                if sent % 512 == 0:
                    sock.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        if sock.recv(1, 2):
                            break
                    sock.settimeout(10)
        data, is_closed = raw.drained(sock)
    assert answers(data) in ([431], []) and is_closed
    # What was on its way when the end came is beyond the bound, and is at most what sockets hold.
    assert sent < 1 << 20
    assert gate.cpu() - before < 3.0


def test_too_many_headers_are_refused(gate):
    """H5: 65 where 64 are allowed, two thousand, and one that is too long."""
    for count in (65, 500, 2000):
        more = [(f"X-{it}", "y") for it in range(count)]
        assert raw.asked(gate.port, "/echo", headers=more).status == 431, count
    assert raw.asked(gate.port, "/echo", headers=[("X", "y" * 17_000)]).status == 431
    assert raw.asked(gate.port, "/" + "a" * 17_000).status == 431


def test_a_strange_list_of_protocols_costs_its_length(gate):
    """H5: many blanks between names, and more names than anyone offers."""
    for value, status in (
        ("b" + " " * 15_000 + "x", 400),
        ("b," + " " * 15_000 + "x", 101),
        ("," * 15_000, 400),
        (",".join(f"p{it}" for it in range(17)), 400),
        (",".join(f"p{it}" for it in range(16)), 101),
    ):
        began = time.monotonic()
        headers = [("Sec-WebSocket-Protocol", value)]
        assert raw.asked(gate.port, "/echo", headers=headers).status == status, value[:20]
        assert time.monotonic() - began < 1.0


STRANGE = [
    ("Sec-WebSocket-Protocol", "caf\xe9", 400),
    ("Sec-WebSocket-Protocol", "\xff\xfe", 400),
    ("Sec-WebSocket-Protocol", "a, a", 400),
    ("Sec-WebSocket-Protocol", "", 400),
    ("Sec-WebSocket-Protocol", "constructor, __proto__", 101),
    ("Sec-WebSocket-Extensions", "constructor", 101),
    ("Sec-WebSocket-Extensions", "__proto__; toString", 101),
    ("Sec-WebSocket-Extensions", "hasOwnProperty", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=0", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=7", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=16", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=-1", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=1e9", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=99999999999", 101),
    ("Sec-WebSocket-Extensions", 'permessage-deflate; server_max_window_bits="', 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; unknown", 101),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover=1", 101),
    ("Sec-WebSocket-Extensions", "\xff\xfe", 101),
    ("Sec-WebSocket-Extensions", ";,=;,=" * 500, 101),
    ("Origin", "https://\xff", 101),
    ("Cookie", "\xff=\xfe; token=\x80", 101),
    ("Authorization", "Bearer \xff\xfe", 101),
    ("User-Agent", "\x80" * 1000, 101),
    ("X-Forwarded-For", "\xff", 101),
]


@pytest.mark.parametrize("name,value,status", STRANGE)
def test_garbage_in_a_header_is_declined_or_refused(gate, name, value, status):
    """H6: values that have ended other servers; what cannot be agreed to is not agreed to."""
    answer = raw.asked(gate.port, "/echo", headers=[(name, value)])
    assert answer.status == status
    if name == "Sec-WebSocket-Extensions":
        assert answer.header("sec-websocket-extensions") is None
    assert raw.asked(gate.port, "/echo").status == 101
