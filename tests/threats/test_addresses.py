"""Who a client is by address, and how often that address may guess: H9, A12."""

import contextlib
import random
import time

import pytest
import raw
import tokens
from gate import ROUTES, SERVER, until, watched

GUARDED = SERVER.replace('backoff = "none"\n', "")
# The echo route lets one connection in from each address: whoever is refused is taken for the same.
ONE = """
[[routes]]
path = "/one"
tokens = "none"
app = "echo"
origins = "*"
limits = { connections_per_address = 1, attempts_per_address = "none" }
"""

PEER = "127.0.0.1"

# What a trusted proxy sends, and whom it means. PEER stands for the proxy itself.
FORMS = [
    ([], PEER),
    (["203.0.113.7"], "203.0.113.7"),
    (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
    (["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
    (["203.0.113.7, 127.0.0.1"], "203.0.113.7"),
    (["198.51.100.1, 203.0.113.7, 127.0.0.1"], "203.0.113.7"),
    (["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
    (["203.0.113.7:4711"], "203.0.113.7"),
    (["  203.0.113.7  "], "203.0.113.7"),
    (["::ffff:203.0.113.7"], "203.0.113.7"),
    (["[::ffff:203.0.113.7]:4711"], "203.0.113.7"),
    (["2001:db8::7"], "2001:db8::7"),
    (["2001:db8::1234:5678"], "2001:db8::7"),
    (["[2001:db8::9]:80"], "2001:db8::7"),
    (["2001:db8:0:1::7"], "2001:db8:0:1::7"),
    (["203.0.113.7, unknown"], PEER),
    (["203.0.113.7, _hidden"], PEER),
    (["203.0.113.7, "], PEER),
    (["203.0.113.7, 203.0.113.0/24"], PEER),
    (["203.0.113.7, 1.2.3"], PEER),
    (["203.0.113.7, 0x7f.1"], PEER),
    (["203.0.113.7, 203.0.113.008"], PEER),
    (["garbage"], PEER),
    ([""], PEER),
    ([","], PEER),
    (["203.0.113.7\t,\t203.0.113.8"], "203.0.113.8"),
]

# Names that some software takes for the same header, and other ways to say who one is.
IGNORED = [
    ("X_Forwarded_For", "203.0.113.7"),
    ("X-Forwarded_For", "203.0.113.7"),
    ("X-Real-IP", "203.0.113.7"),
    ("X-Client-IP", "203.0.113.7"),
    ("True-Client-IP", "203.0.113.7"),
    ("CF-Connecting-IP", "203.0.113.7"),
    ("X-Original-Forwarded-For", "203.0.113.7"),
    ("X-Cluster-Client-IP", "203.0.113.7"),
    ("Forwarded", "for=203.0.113.7"),
    ("Via", "1.1 203.0.113.7"),
]


@pytest.fixture(scope="module")
def behind(house):
    """A gate that believes 127.0.0.1 and a network of proxies, and nobody else."""
    server = GUARDED + 'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\n'
    with house.open(ROUTES + ONE, server) as gate:
        yield gate


def fields(values):
    return [("X-Forwarded-For", it) for it in values]


def is_same(gate, one, other) -> bool:
    """Whether two ways to come are taken for one address. Each is headers and a source."""
    headers, source = one
    ws = until(lambda: entered(gate, headers, source))
    try:
        headers, source = other
        return raw.asked(gate.port, "/one", source=source, headers=headers).status == 429
    finally:
        ws.sock.close()


def entered(gate, headers, source):
    """A connection; none while the place of the one before is not free yet."""
    with contextlib.suppress(raw.Refused):
        return gate.ws("/one", headers=headers, source=source)


@pytest.mark.parametrize("values,means", FORMS)
def test_a_trusted_proxy_is_believed_to_its_right_most_hop(behind, values, means):
    """H9: a matrix of forms; the address computed is seen by whom it shares a limit with."""
    plain = (fields([means]) if means != PEER else [], None)
    assert is_same(behind, plain, (fields(values), None))
    stranger = (fields(["192.0.2.99"]), None)
    assert not is_same(behind, stranger, (fields(values), None))


@pytest.mark.parametrize("values", [it for it, _ in FORMS])
def test_anyone_else_is_who_the_socket_says(behind, values):
    """H9: from a peer that is not trusted the header changes nothing."""
    source = "127.0.0.2"
    assert is_same(behind, ([], source), (fields(values), source))
    assert not is_same(behind, (fields(values), "127.0.0.3"), (fields(values), source))


@pytest.mark.parametrize("name,value", IGNORED)
@pytest.mark.parametrize("source", [None, "127.0.0.2"])
def test_only_the_one_header_is_read(behind, source, name, value):
    """H9: spellings with underscores and headers of other products, trusted peer or not."""
    assert is_same(behind, ([], source), ([(name, value)], source))


def test_the_other_header_is_read_where_it_is_the_one(house):
    """H9: `Forwarded`, and then no other."""
    server = GUARDED + 'trusted_proxies = ["127.0.0.1"]\nforwarded = "forwarded"\n'
    with house.open(ROUTES + ONE, server) as gate:
        clear = [("Forwarded", "for=203.0.113.7")]
        for value in (
            'for="203.0.113.7:80";proto=https',
            "For=203.0.113.7",
            "for=198.51.100.1, for=203.0.113.7",
            'for="[::ffff:203.0.113.7]"',
            'for="a, for=198.51.100.1, for=203.0.113.7',
        ):
            assert is_same(gate, (clear, None), ([("Forwarded", value)], None)), value
        for value in ("for=unknown", "for=_x", "by=203.0.113.7", "203.0.113.7", 'for="203.0.113.7'):
            assert is_same(gate, ([], None), ([("Forwarded", value)], None)), value
        assert is_same(gate, ([], None), (fields(["203.0.113.7"]), None))


def test_a_line_of_the_proxy_protocol_counts_only_where_it_is_required(house, gate):
    """H9: PROXY is refused by a listener that does not ask for it, and required by one that does."""
    line = b"PROXY TCP4 203.0.113.7 127.0.0.1 1234 80\r\n"
    with raw.connect(gate.port) as sock:
        sock.sendall(line + raw.handshake("/echo"))
        data, is_closed = raw.drained(sock)
        assert data.startswith(b"HTTP/1.1 400") and is_closed
    server = GUARDED + 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true\n'
    with house.open(ROUTES + ONE, server, first=b"PROXY UNKNOWN\r\n") as gate:
        assert via(gate, line + raw.handshake("/echo")).startswith(b"HTTP/1.1 101")
        two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
        two += bytes([203, 0, 113, 7, 127, 0, 0, 1, 1, 2, 0, 80])
        assert via(gate, two + raw.handshake("/echo")).startswith(b"HTTP/1.1 101")
        for bad in (b"", b"PROXY nonsense\r\n", line[:-2] + b"\n", b"\0" * 20):
            assert not via(gate, bad + raw.handshake("/echo")), bad


def via(gate, data) -> bytes:
    with raw.connect(gate.port) as sock:
        sock.sendall(data)
        return raw.drained(sock, 0.3)[0]


# A12. -------------------------------------------------------------------------------------------


def guess(gate, index, **options):
    token = f"SECRETCANARY{index}.{tokens.b64({'sub': 'ann'})}.x"
    return raw.asked(gate.port, f"/plain/den?token={token}", **options)


def test_whoever_guesses_tokens_has_to_wait_and_nobody_else(behind):
    """A12: ten failures, then 429 with a time, for good tokens too; other addresses notice nothing."""
    source = "127.0.0.11"
    statuses = [guess(behind, it, source=source).status for it in range(30)]
    assert statuses[:10] == [401] * 10 and set(statuses[10:]) == {429}
    target = f"/plain/den?token={tokens.token()}"
    answer = raw.asked(behind.port, target, source=source)
    assert (answer.status, answer.code) == (429, "AUTH_BACKOFF")
    assert 1 <= int(answer.header("retry-after")) <= 60
    # A header of one's own makes no new address, and neither does another route.
    for headers in (fields(["203.0.113.50"]), [("Forwarded", "for=203.0.113.50")]):
        assert raw.asked(behind.port, target, source=source, headers=headers).status == 429
    assert raw.asked(behind.port, f"/ws?token={tokens.token()}", source=source).status == 429
    assert raw.asked(behind.port, target, source="127.0.0.12").status == 101


def test_guesses_in_first_messages_count_as_well(behind):
    """A12: the second way to show a token has the same lock."""
    source = "127.0.0.13"
    for index in range(10):
        with behind.ws("/ws", source=source) as ws:
            ws.say({"id": 1, "connect": {"token": f"SECRETCANARY.{index}.x"}})
            assert ws.end().code == 4001
    assert raw.asked(behind.port, f"/plain/a?token={tokens.token()}", source=source).status == 429


def test_whoever_guesses_api_keys_has_to_wait(behind):
    """A12: on the HTTP side, by address; asking without a key is no guess."""
    source = "127.0.0.14"
    path = "/api/monitoring/websocket/metrics"

    def shown(key):
        headers = [("X-API-Key", key)] if key else []
        return raw.http(behind.port, "GET", path, headers=headers, source=source)

    assert {shown(None).status for _ in range(30)} == {401}
    statuses = [shown(f"SECRETCANARY-wrong-{it:032}").status for it in range(30)]
    assert statuses[:10] == [401] * 10 and set(statuses[10:]) == {429}
    answer = behind.http("GET", path, source=source)
    assert (answer.status, answer.code) == (429, "AUTH_BACKOFF") and answer.header("retry-after")
    assert behind.http("GET", path, source="127.0.0.15").status == 200


def test_guesses_from_a_whole_network_are_one_guesser_and_take_no_memory(house):
    """A12: two thousand addresses of one /64 are one; two thousand /64s are forgotten in time."""
    server = GUARDED + 'trusted_proxies = ["127.0.0.1"]\naddresses_max = 1000\n'
    dice = random.Random(12)
    with house.open(server=server) as gate, watched(gate, grows_mib=16, canary=False):
        statuses = []
        for index in range(2000):
            address = f"2001:db8:1:2:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}:1:1"
            statuses.append(guess(gate, index, headers=fields([address])).status)
        assert statuses[:10] == [401] * 10 and set(statuses[10:]) == {429}
        for index in range(2000):
            address = f"2001:db8:{index:x}::1"
            assert guess(gate, index, headers=fields([address])).status == 401
        began = time.monotonic()
        target = f"/plain/den?token={tokens.token()}"
        assert raw.asked(gate.port, target, headers=fields(["198.51.100.77"])).status == 101
        assert time.monotonic() - began < 0.5
