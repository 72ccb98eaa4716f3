"""The HTTP side of the same port: for backends, operators and browsers."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from clients import connect, native
from gate import API_KEY, Gate, until
from tokens import CANARY, token

SEVEN = {
    "active_connections",
    "connections_today",
    "messages_sent",
    "messages_received",
    "avg_connection_duration",
    "messages_per_minute",
    "timestamp",
}
METRICS = "/api/monitoring/websocket/metrics/"
ACTIVE = "/api/monitoring/websocket/active-connections/"


def test_what_a_backend_publishes_reaches_members_of_both_dialects(
    channels: Gate, address: str
) -> None:
    """R44, R73: the plain one as it is, the native one with its place."""
    with (
        connect(channels, "/ws/plain/den", token("ann"), address=address) as plain,
        native(channels, "/ws", token("bob"), address=address) as told,
    ):
        told.ask(subscribe={"channel": "room:den"})
        data = {"type": "notification", "data": {"n": 1.50, "text": "\u2603"}}
        placed = channels.publish("room:den", data)
        assert set(placed) == {"epoch", "offset"}
        assert plain.hear() == data
        assert told.hear() == {"publication": {"channel": "room:den", **placed, "data": data}}


def test_a_payload_is_passed_on_byte_for_byte(channels: Gate, address: str) -> None:
    """Whatever its numbers and spaces look like."""
    with connect(channels, "/ws/plain/bytes", token("ann"), address=address) as plain:
        data = '{ "n" : 1.50,  "big":12345678901234567890, "e":1E2, "a":"\\u2603\\/" }'
        body = f'{{"channel":"room:bytes","data":{data}}}'
        assert channels.ask("POST", "/api/publish", body, token=API_KEY).status == 200
        assert plain.connection.recv(5) == data


def test_a_repetition_with_the_same_key_publishes_once(channels: Gate, address: str) -> None:
    """B7: even when the repetitions come at once; a different message is told from it."""
    with connect(channels, "/ws/plain/once", token("ann"), address=address) as plain:
        ready = threading.Barrier(8)

        def retry() -> dict:
            ready.wait()
            return channels.publish("room:once", {"n": 1}, idempotency_key="order-7")

        with ThreadPoolExecutor(8) as pool:
            places = [it.result() for it in [pool.submit(retry) for _ in range(8)]]
        assert all(it == places[0] for it in places)
        channels.publish("room:once", {"n": 2}, idempotency_key="order-8")
        assert [plain.hear(), plain.hear()] == [{"n": 1}, {"n": 2}]
        answer = channels.ask(
            "POST",
            "/api/publish",
            {"channel": "room:once", "data": {"n": 3}, "idempotency_key": "order-7"},
            token=API_KEY,
        )
        assert (answer.status, answer.json["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_a_broadcast_reaches_every_channel_and_tells_which_it_could_not(
    channels: Gate, address: str
) -> None:
    """R73."""
    rooms = ["north", "south"]
    clients = [connect(channels, f"/ws/plain/{it}", token("ann"), address=address) for it in rooms]
    said = {"channels": ["room:north", "$bad", "room:south"], "data": {"all": True}}
    answer = channels.ask("POST", "/api/broadcast", said, token=API_KEY)
    assert answer.status == 200, answer
    results = answer.json["results"]
    assert [it["channel"] for it in results] == said["channels"]
    assert results[1]["error"]["code"] == "BAD_CHANNEL"
    assert all("offset" in results[it]["result"] for it in (0, 2))
    assert [it.hear() for it in clients] == [{"all": True}] * 2


def test_a_channel_is_described(channels: Gate, address: str) -> None:
    """R82: members over all shards, and where its order stands."""
    path = "/api/channels/room:known"
    nobody = channels.ask("GET", "/api/channels/room:unknown", token=API_KEY).json
    assert nobody == {"channel": "room:unknown", "members": 0, "epoch": None, "offset": None}
    for _ in range(3):
        connect(channels, "/ws/plain/known", token("ann"), address=address)
    placed = channels.publish("room:known", 1)
    expected = {"channel": "room:known", "members": 3, **placed}
    assert channels.ask("GET", path, token=API_KEY).json == expected


def test_a_user_is_disconnected_wherever_they_are(channels: Gate, address: str) -> None:
    """A9: all of their connections, on every shard and in both dialects; nobody else's."""
    out = [connect(channels, "/ws/plain/den", token("out"), address=address) for _ in range(4)]
    out.append(native(channels, "/ws", token("out"), address=address))
    stays = native(channels, "/ws", token("stays"), address=address)
    answer = channels.ask("POST", "/api/disconnect", {"user": "out"}, token=API_KEY)
    assert (answer.status, answer.json) == (200, {"disconnected": 5})
    assert {it.hear_end().code for it in out} == {4005}
    assert "pong" in stays.ask(ping={})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/publish"),
        ("POST", "/api/broadcast"),
        ("GET", "/api/channels/room:den"),
        ("POST", "/api/disconnect"),
        ("GET", METRICS),
        ("GET", ACTIVE),
        ("GET", "/metrics"),
    ],
)
def test_nothing_is_told_or_done_without_a_key(
    channels: Gate, address: str, method: str, path: str
) -> None:
    """R54, D1: no key, a wrong one, one nearly right; and a user's token is no API key."""
    body = None if method == "GET" else {"channel": "room:den", "data": 1}
    answer = channels.ask(method, path, body, address=address)
    assert (answer.status, answer.json["code"]) == (401, "AUTH_REQUIRED")
    for wrong in [f"{CANARY}-0123456789-0123456789-01234", API_KEY[:-1], API_KEY + "x"]:
        answer = channels.ask(method, path, body, address=address, token=wrong)
        assert (answer.status, answer.json["code"]) == (401, "INVALID_TOKEN")
    answer = channels.ask(method, path, body, address=address, token=token("ann"))
    assert answer.status in (401, 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ({}, 400),
        ({"channel": "room:den"}, 400),
        ({"channel": "room:*", "data": 1}, 400),
        ({"channel": "$canary", "data": 1}, 400),
        ('{"channel":"room:den","data":' + "[" * 65 + "]" * 65 + "}", 400),
    ],
)
def test_what_cannot_be_published_is_told_why(channels: Gate, body: object, status: int) -> None:
    """R39, R56, F11, C1."""
    answer = channels.ask("POST", "/api/publish", body, token=API_KEY)
    assert answer.status == status, answer
    assert set(answer.json) >= {"code", "message", "detail"}


def test_a_body_that_is_too_large_is_refused_by_its_announced_length(channels: Gate) -> None:
    """R34, F2: before any of it is sent."""
    with channels.socket() as sock:
        sock.sendall(
            f"POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {API_KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {2 << 20}\r\n\r\n".encode()
        )
        heard = sock.recv(4096)
    assert heard.startswith(b"HTTP/1.1 413 ") and b"MESSAGE_TOO_BIG" in heard, heard


def test_the_metrics_have_exactly_seven_keys(channels: Gate, address: str) -> None:
    """R82-R86, R99: and they count."""
    admin = token("ada", role="Admin")
    before = channels.ask("GET", METRICS, token=admin).json
    assert set(before) == SEVEN
    counts = SEVEN - {"avg_connection_duration", "timestamp"}
    assert all(isinstance(before[it], int) for it in counts)
    with connect(channels, "/ws/plain/seven", token("ann"), address=address) as ann:
        for number in range(5):
            channels.publish("room:seven", number)
            assert ann.hear() == number

        def counted() -> dict | None:
            after = channels.ask("GET", METRICS, token=admin).json
            return after if before["messages_sent"] + 5 <= after["messages_sent"] else None

        after = until(counted, "five messages to be counted")
        assert after["active_connections"] == before["active_connections"] + 1
        if after["timestamp"][:10] == before["timestamp"][:10]:
            assert after["connections_today"] == before["connections_today"] + 1

        def in_this_minute() -> bool:
            channels.publish("room:seven", "again")
            return bool(channels.ask("GET", METRICS, token=admin).json["messages_per_minute"])

        until(in_this_minute, "messages of this minute to be counted")


def test_an_administrators_token_opens_what_operators_read_and_no_other(
    channels: Gate, address: str
) -> None:
    """R99, R100, R133."""
    admin, user = token("ada", role="Admin"), token("ann", role="Student")
    with connect(channels, "/ws/plain/den", token("ann"), address=address):
        told = channels.ask("GET", ACTIVE, token=admin).json
        assert set(told) == {"active_connections"} and 1 <= told["active_connections"]
    for path in [METRICS, ACTIVE]:
        assert channels.ask("GET", path.rstrip("/"), token=admin).status == 200
        assert channels.ask("GET", path, token=user, address=address).status == 403
        assert channels.ask("GET", path, token=API_KEY).status == 200


def test_prometheus_can_read_the_metrics(channels: Gate) -> None:
    """R98, R103, F14: by the format's own parser; no label that grows with users."""
    answer = channels.ask("GET", "/metrics", token=API_KEY)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    families = {it.name: it for it in text_string_to_metric_families(answer.text)}
    assert {"tidegate_connections", "tidegate_handshakes_refused"} <= set(families)
    labels = {name for it in families.values() for sample in it.samples for name in sample.labels}
    assert labels <= {"code", "number", "limit", "class", "le", "version", "commit"}


def test_health_is_told_to_anyone(channels: Gate, address: str) -> None:
    """R123, R147: ready means that a canary came back through every shard; never a passing 503."""
    for _ in range(50):
        assert channels.ask("GET", "/health/ready", address=address).status == 200
    for path in ["/health", "/health/", "/health/live"]:
        assert channels.ask("GET", path, address=address).status == 200


@pytest.mark.parametrize("path", ["/checkins/", "/"])
def test_pages_may_connect_to_where_they_came_from(checkins: Gate, path: str) -> None:
    """R47, R48: the policy really is in the response, enforced, and allows our sockets only."""
    answer = checkins.ask("GET", path)
    assert answer.status == 200 and "<html" in answer.text
    assert "Content-Security-Policy-Report-Only" not in answer.headers
    directives = answer.headers["Content-Security-Policy"].split(";")
    policy = dict(it.strip().split(" ", 1) for it in directives)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    host = f"127.0.0.1:{checkins.port}"
    assert {f"ws://{host}", f"wss://{host}", "'self'"} == set(policy["connect-src"].split())
    assert "unsafe" not in str(policy) and "*" not in str(policy)
    assert not re.search(r"<script(?![^>]*(src|nonce))", answer.text)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_answers_that_are_no_page_have_a_policy_too(channels: Gate) -> None:
    """R48: errors included."""
    for path in ["/health/live", "/nowhere", "/api/publish", "/metrics"]:
        assert "default-src 'none'" in channels.ask("GET", path).headers["Content-Security-Policy"]


def test_a_host_nobody_configured_is_refused(channels: Gate, address: str) -> None:
    """H3: on the HTTP side; a probe of health may come by any name."""
    headers = {"Host": "evil.example"}
    answer = channels.ask("GET", METRICS, token=API_KEY, headers=headers, address=address)
    assert (answer.status, answer.json["code"]) == (421, "HOST_REFUSED")
    assert channels.ask("GET", "/health/live", headers=headers).status == 200


def test_a_form_of_another_page_cannot_publish(channels: Gate, address: str) -> None:
    """D3: only a JSON content type is read."""
    headers = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    body = {"channel": "room:den", "data": 1}
    answer = channels.ask("POST", "/api/publish", body, token=API_KEY, headers=headers)
    assert answer.status in (403, 415)
