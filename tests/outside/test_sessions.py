"""Sessions that outlive a socket, revocation, and newer tokens: R8, R10, R21 to R24, R29, A8, A9,
A13."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from clients import SUBPROTOCOL, Client, connect, refusal
from conftest import CONFIGS
from gate import API_KEY, Gate, running, until
from test_store import command
from tokens import CANARY, SECRET, token

PATH = "/ws"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One with all policies of sessions."""
    yield from running(Gate(CONFIGS / "sessions.toml", tmp_path_factory.mktemp("sessions")))


def enter(
    gate: Gate,
    shown: str | None,
    session: str | None = None,
    *,
    path: str = PATH,
    device: str | None = None,
    **how: Any,
) -> tuple[Client, dict[str, Any]]:
    """Connects with a session's id in the query, and hears the welcome."""
    said = [("token", shown), ("session", session), ("device", device)]
    query = "&".join(f"{name}={quote(it)}" for name, it in said if it is not None)
    client = connect(gate, f"{path}?{query}", protocols=[SUBPROTOCOL], **how)
    return client, client.hear()["connected"]


def vanish(client: Client) -> None:
    """The network is gone: no goodbye."""
    client.socket.close()
    client.connection.close()


def api(gate: Gate, method: str, path: str, body: Any = None) -> Any:
    """What the API answers a backend; it has to be a yes."""
    answer = gate.ask(method, path, body, token=API_KEY)
    assert answer.status == 200, answer
    return answer.json


def sessions_on_disk(gate: Gate) -> int:
    """How many there would be after a crash."""
    stats = command("stats", "--data-dir", gate.folder / "data").stdout
    return int(stats.partition("sessions")[2].split()[0])


def listed(gate: Gate, user: str) -> list[dict[str, Any]]:
    """A user's sessions."""
    return list(api(gate, "GET", f"/api/sessions?user={quote(user)}")["sessions"])


def state(gate: Gate, session: str) -> str:
    """Whether a session is live or away; or that there is none."""
    answer = gate.ask("GET", f"/api/sessions/{session}", token=API_KEY)
    return str(answer.json["state"]) if answer.status == 200 else str(answer.json["code"])


def away(gate: Gate, session: str) -> None:
    """Waits for the gateway to notice that a client is gone."""
    until(lambda: state(gate, session) == "away", "the session to be away")


# Coming back


def test_a_session_survives_a_reconnect(gate: Gate, address: str) -> None:
    """R21, R24: the same id, and it is said to be the same."""
    shown = token("ann-survives")
    ann, welcome = enter(gate, shown, address=address)
    assert len(welcome["session"]) == 32
    assert "resumed" not in welcome
    vanish(ann)
    away(gate, welcome["session"])
    _, again = enter(gate, token("ann-survives"), welcome["session"], address=address)
    assert (again["session"], again["resumed"]) == (welcome["session"], True)
    assert state(gate, welcome["session"]) == "live"


def test_a_session_may_be_named_among_the_subprotocols(gate: Gate, address: str) -> None:
    """A7: which is never the one that is selected."""
    ann, welcome = enter(gate, token("ann-protocol"), address=address)
    vanish(ann)
    protocols = [f"session.{welcome['session']}", f"bearer.{token('ann-protocol')}", SUBPROTOCOL]
    with connect(gate, PATH, protocols=protocols, address=address) as again:
        assert again.connection.subprotocol == SUBPROTOCOL
        assert again.hear()["connected"]["session"] == welcome["session"]
    with connect(
        gate, "/ws/plain/a", bearer=token("pia"), protocols=[protocols[0], "chat"], address=address
    ) as plain:
        assert plain.connection.subprotocol == "chat"


def test_a_connection_that_still_has_the_session_is_closed(gate: Gate, address: str) -> None:
    """R24: as after a change of networks, where the old socket is not known to be dead."""
    ann, welcome = enter(gate, token("ann-twice"), address=address)
    began = time.monotonic()
    newer, again = enter(gate, token("ann-twice"), welcome["session"], address=address)
    assert again["resumed"] is True
    end = ann.hear_end()
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4005, "SESSION_REPLACED")
    assert time.monotonic() - began < 1
    assert "pong" in newer.ask(ping={})
    assert state(gate, welcome["session"]) == "live"


def test_an_expired_token_is_enough_while_the_session_waits(gate: Gate, address: str) -> None:
    """A8: until the grace would have ended; and a refresh makes it whole."""
    shown = token("ann-expires", ttl=2)
    ann, welcome = enter(gate, shown, address=address)
    end = ann.hear_end()
    assert end.frames[-1]["closing"]["code"] == "TOKEN_EXPIRED"
    assert refusal(gate, PATH, shown, address=address).code == "TOKEN_EXPIRED"
    again, said = enter(gate, shown, welcome["session"], address=address)
    assert (said["session"], said["resumed"]) == (welcome["session"], True)
    assert said["expires_at"] <= time.time() + 5
    assert "expiring" in again.hear()
    assert "refreshed" in again.ask(refresh={"token": token("ann-expires")})
    time.sleep(5)
    assert "pong" in again.ask(ping={})


def test_without_a_token_a_session_lasts_as_long_as_its_grace(gate: Gate, address: str) -> None:
    """A13: the id alone is good for the rest of the grace, however often it is shown."""
    ann, welcome = enter(gate, token("ann-bare"), address=address)
    session = welcome["session"]
    assert refusal(gate, f"{PATH}?session={session}", address=address).code == "AUTH_REQUIRED"
    vanish(ann)
    away(gate, session)
    began = time.monotonic()
    again, said = enter(gate, None, session, address=address)
    assert (said["user"], said["resumed"]) == ("ann-bare", True)
    vanish(again)
    away(gate, session)
    once_more, _ = enter(gate, None, session, address=address)
    end = once_more.hear_end()
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4001, "TOKEN_EXPIRED")
    assert time.monotonic() - began < 6
    until(lambda: state(gate, session) == "SESSION_UNKNOWN", "the session to end")
    assert refusal(gate, f"{PATH}?session={session}", address=address).code == "AUTH_REQUIRED"


def test_another_users_session_is_not_theirs(gate: Gate, address: str) -> None:
    """A13: with another's id a new session begins, and nothing happens to the old one."""
    ann, welcome = enter(gate, token("ann-a13"), address=address)
    vanish(ann)
    away(gate, welcome["session"])
    _, bobs = enter(gate, token("bob-a13"), welcome["session"], address=address)
    assert bobs["session"] != welcome["session"]
    assert bobs["user"] == "bob-a13" and "resumed" not in bobs
    assert [it["user"] for it in listed(gate, "bob-a13")] == ["bob-a13"]
    expired = token("bob-a13", ttl=-10)
    path = f"{PATH}?token={expired}&session={welcome['session']}"
    assert refusal(gate, path, address=address).code == "TOKEN_EXPIRED"
    forged = token("ann-a13", ttl=-10, secret="x" * 40)
    path = f"{PATH}?token={forged}&session={welcome['session']}"
    assert refusal(gate, path, address=address).code == "INVALID_TOKEN"
    assert state(gate, welcome["session"]) == "away"


@pytest.mark.parametrize("session", ["", "0" * 32, "f" * 31, "..", f"{CANARY}"])
def test_an_id_that_nobody_knows_begins_a_new_session(
    gate: Gate, address: str, session: str
) -> None:
    """A13."""
    _, welcome = enter(gate, token("ann-unknown"), session, address=address)
    assert welcome["session"] != session and "resumed" not in welcome


def test_a_first_message_brings_the_session_back_too(gate: Gate, address: str) -> None:
    """A7, R24."""
    def greeted(session: str | None) -> tuple[Client, dict[str, Any]]:
        query = "" if session is None else f"?session={session}"
        client = connect(gate, f"/ws/late{query}", protocols=[SUBPROTOCOL], address=address)
        return client, client.ask(connect={"token": token("ann-late")})["connected"]

    ann, welcome = greeted(None)
    vanish(ann)
    away(gate, welcome["session"])
    _, again = greeted(welcome["session"])
    assert (again["session"], again["resumed"]) == (welcome["session"], True)


def test_whoever_says_goodbye_takes_the_session_along(gate: Gate, address: str) -> None:
    """R23: 1000 is the end; anything else may be an accident."""
    for number, expected in [(1000, "SESSION_UNKNOWN"), (1001, "away"), (4000, "away")]:
        ann, welcome = enter(gate, token("ann-goodbye"), address=address)
        ann.connection.close(number)
        session = welcome["session"]
        until(lambda: state(gate, session) == expected, f"{number} to make it {expected}")  # noqa: B023


def test_a_route_that_keeps_no_sessions_names_none(gate: Gate, address: str) -> None:
    """R21."""
    _, welcome = enter(gate, token("ann-forgetful"), path="/ws/forgetful", address=address)
    assert "session" not in welcome
    assert listed(gate, "ann-forgetful") == []


# Policies


def test_one_session_too_many_is_refused(gate: Gate, address: str) -> None:
    """R22, R29: unless one of those that are there is away."""
    first, welcome = enter(gate, token("ann-double"), path="/ws/double", address=address)
    second, _ = enter(gate, token("ann-double"), path="/ws/double", address=address)
    refused = refusal(gate, "/ws/double", token("ann-double"), address=address)
    assert (refused.status, refused.code) == (429, "TOO_MANY_SESSIONS")
    vanish(first)
    away(gate, welcome["session"])
    third, _ = enter(gate, token("ann-double"), path="/ws/double", address=address)
    assert state(gate, welcome["session"]) == "SESSION_UNKNOWN"
    for client in (second, third):
        assert "pong" in client.ask(ping={})


def test_a_newer_session_takes_the_place_of_the_oldest(gate: Gate, address: str) -> None:
    """R22."""
    first, before = enter(gate, token("ann-single"), path="/ws/single", address=address)
    second, after = enter(gate, token("ann-single"), path="/ws/single", address=address)
    end = first.hear_end()
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4005, "SESSION_REPLACED")
    assert [it["id"] for it in listed(gate, "ann-single")] == [after["session"]]
    assert before["session"] != after["session"]
    assert "pong" in second.ask(ping={})


# What operators see and do


def test_sessions_are_listed_with_what_is_known_of_them(gate: Gate, address: str) -> None:
    """R21, R97."""
    headers = {"User-Agent": "Tide/1.0"}
    shown = token("ann-listed")
    ann, one = enter(gate, shown, device="Ann's phone", headers=headers, address=address)
    _, two = enter(gate, shown, address=address)
    vanish(ann)
    away(gate, one["session"])
    first, second = listed(gate, "ann-listed")
    assert first["id"] == one["session"] and second["id"] == two["session"]
    assert (first["device"], first["agent"]) == ("Ann's phone", "Tide/1.0")
    assert (first["user"], first["route"]) == ("ann-listed", "native")
    assert (first["address"], first["state"]) == (address, "away")
    assert (second["device"], second["state"]) == (None, "live")
    assert "until" not in second and first["until"] >= first["last_active"] + 3
    for it in (first, second):
        assert time.time() - 20 < it["created"] <= it["last_active"] < time.time() + 1
    of_device = api(gate, "GET", "/api/sessions?user=ann-listed&device=Ann%27s%20phone")
    assert [it["id"] for it in of_device["sessions"]] == [one["session"]]
    assert api(gate, "GET", f"/api/sessions/{two['session']}")["id"] == two["session"]


def test_sessions_are_ended_with_their_connections(gate: Gate, address: str) -> None:
    """R22, R23: one of them, those of a device, or all of a user."""
    shown = token("ann-ended")
    clients = [enter(gate, shown, device=it, address=address) for it in ("a", "a", "b", "c")]
    one = clients[3]
    assert api(gate, "DELETE", f"/api/sessions/{one[1]['session']}") == {"ended": 1}
    end = one[0].hear_end(1)
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4005, "SESSION_ENDED")
    missing = gate.ask("DELETE", f"/api/sessions/{one[1]['session']}", token=API_KEY)
    assert (missing.status, missing.json["code"]) == (404, "SESSION_UNKNOWN")
    assert api(gate, "DELETE", "/api/sessions?user=ann-ended&device=a") == {"ended": 2}
    assert [it["device"] for it in listed(gate, "ann-ended")] == ["b"]
    assert api(gate, "DELETE", "/api/sessions?user=ann-ended") == {"ended": 1}
    for client, _ in clients[:3]:
        assert client.hear_end(1).code == 4005
    assert listed(gate, "ann-ended") == []
    # The user may come back, with a new one.
    _, again = enter(gate, shown, clients[0][1]["session"], address=address)
    assert "resumed" not in again


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/sessions", 400),
        ("GET", "/api/sessions?user=", 400),
        ("GET", "/api/sessions?user=a&shoe=b", 400),
        ("GET", "/api/sessions/nonsense", 404),
        ("DELETE", "/api/sessions", 400),
        ("POST", "/api/sessions", 405),
    ],
)
def test_what_is_not_asked_properly_is_told(
    gate: Gate, method: str, path: str, status: int
) -> None:
    """R56."""
    answer = gate.ask(method, path, token=API_KEY)
    assert answer.status == status, answer
    assert answer.json["code"] and answer.json["message"]
    assert gate.ask(method, path).status in (401, 405)


# Revocation


def ended_by(client: Client) -> tuple[int, str, str]:
    """How a connection ends within a second: number, code, and what is said."""
    end = client.hear_end(1)
    closing = end.frames[-1]["closing"]
    return end.code, closing["code"], closing["message"]


def test_a_revoked_user_is_out_and_stays_out(gate: Gate, address: str) -> None:
    """R8, A9: live connections within a second of the answer, and all later handshakes."""
    shown = token("ann-revoked")
    ann, welcome = enter(gate, shown, address=address)
    plain = connect(gate, "/ws/plain/a", shown, address=address)
    forgetful, _ = enter(gate, shown, path="/ws/forgetful", address=address)
    gone, waits = enter(gate, shown, address=address)
    vanish(gone)
    away(gate, waits["session"])
    bob, _ = enter(gate, token("bob-revoked"), address=address)
    answer = api(gate, "POST", "/api/revoke", {"user": "ann-revoked", "reason": "She has left."})
    assert answer["revoked"] == {"user": "ann-revoked"}
    assert answer["closed"] == 3
    assert abs(answer["expires"] - time.time() - 30 * 24 * 3600) < 60
    assert ended_by(ann) == (4001, "TOKEN_REVOKED", "She has left.")
    assert plain.hear_end(1).code == 4001
    assert forgetful.hear_end(1).code == 4001
    assert listed(gate, "ann-revoked") == []
    for path in [PATH, "/ws/plain/a", "/ws/forgetful", f"{PATH}?session={waits['session']}&a=b"]:
        refused = refusal(gate, path, None, bearer=shown, address=address)
        assert (refused.status, refused.code) == (401, "TOKEN_REVOKED"), path
        assert refused.body["message"] == "She has left."
    assert refusal(gate, PATH, token("ann-revoked"), address=address).code == "TOKEN_REVOKED"
    bare = f"{PATH}?session={welcome['session']}"
    assert refusal(gate, bare, address=address).code == "AUTH_REQUIRED"
    assert "pong" in bob.ask(ping={})
    told = api(gate, "GET", "/api/revocations")
    rows = told["revocations"]
    assert len(rows) == told["total"]
    assert any(it.get("user") == "ann-revoked" and it["reason"] == "She has left." for it in rows)


def test_a_token_is_revoked_by_its_id(gate: Gate, address: str) -> None:
    """R8: and no other token of its user."""
    lost, kept = token("ann-jti", jti="lost-1"), token("ann-jti", jti="kept-1")
    one, welcome = enter(gate, lost, address=address)
    other, _ = enter(gate, kept, address=address)
    answer = api(gate, "POST", "/api/revoke", {"jti": "lost-1"})
    assert (answer["revoked"], answer["closed"]) == ({"jti": "lost-1"}, 1)
    assert ended_by(one)[:2] == (4001, "TOKEN_REVOKED")
    assert refusal(gate, PATH, lost, address=address).code == "TOKEN_REVOKED"
    assert "pong" in other.ask(ping={})
    reply = other.ask(refresh={"token": lost})
    assert reply["error"]["code"] == "TOKEN_REVOKED"
    # Its session is over as well; another token of the user begins a new one.
    _, again = enter(gate, kept, welcome["session"], address=address)
    assert "resumed" not in again


def test_tokens_issued_before_a_time_are_revoked(gate: Gate, address: str) -> None:
    """R8: those that do not say when count as older."""
    now = int(time.time())
    old = token("ann-older", iat=now - 100)
    silent = token("ann-older", iat=None)
    new = token("ann-older", iat=now - 10)
    clients = [enter(gate, it, address=address)[0] for it in (old, silent, new)]
    body = {"user": "ann-older", "issued_before": now - 50, "expires": now + 3600}
    answer = api(gate, "POST", "/api/revoke", body)
    assert answer["revoked"] == {"user": "ann-older", "issued_before": now - 50}
    assert (answer["closed"], answer["expires"]) == (2, now + 3600)
    for client in clients[:2]:
        assert ended_by(client)[1] == "TOKEN_REVOKED"
    assert "pong" in clients[2].ask(ping={})
    for shown in (old, silent):
        assert refusal(gate, PATH, shown, address=address).code == "TOKEN_REVOKED"
    enter(gate, new, address=address)


def test_a_session_is_revoked(gate: Gate, address: str) -> None:
    """A9: nobody goes on with it; its user may begin another."""
    shown = token("ann-session")
    ann, welcome = enter(gate, shown, address=address)
    answer = api(gate, "POST", "/api/revoke", {"session": welcome["session"]})
    assert answer["closed"] == 1
    assert ended_by(ann)[:2] == (4001, "TOKEN_REVOKED")
    path = f"{PATH}?token={shown}&session={welcome['session']}"
    assert refusal(gate, path, address=address).code == "TOKEN_REVOKED"
    enter(gate, shown, address=address)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "a", "jti": "b"},
        {"session": "nonsense"},
        {"session": "0" * 32, "issued_before": 5},
        {"user": ""},
        {"jti": ""},
        {"jti": "x" * 257},
        {"user": "a", "expires": 5},
        {"user": "a", "expires": "30d"},
        {"user": "a", "expires": 2**63},
        {"user": "a", "reason": "x" * 124},
        {"user": "a", "because": "b"},
    ],
)
def test_what_cannot_be_revoked_is_told_and_nothing_is(gate: Gate, body: dict[str, Any]) -> None:
    """R56."""
    before = api(gate, "GET", "/api/revocations")
    answer = gate.ask("POST", "/api/revoke", body, token=API_KEY)
    assert answer.status == 400, answer
    assert api(gate, "GET", "/api/revocations") == before
    assert gate.ask("POST", "/api/revoke", body).status == 401


# Newer tokens


def test_a_token_is_exchanged_for_a_newer_one_once(gate: Gate, address: str) -> None:
    """R10: with all that the older one said; that one is good for nothing afterwards."""
    older = token("ann-newer", role="Editor", jti="older-1", ttl=100)
    ann, _ = enter(gate, older, address=address)
    answer = gate.ask("POST", "/api/tokens/refresh", token=older)
    assert answer.status == 200, answer
    newer = answer.json["token"]
    assert answer.json["expires_in"] == 300
    claims = jwt.decode(newer, SECRET, algorithms=["HS256"])
    assert (claims["user_id"], claims["role"]) == ("ann-newer", "Editor")
    assert claims["jti"] != "older-1"
    assert abs(claims["iat"] - time.time()) < 5 and claims["exp"] == claims["iat"] + 300
    for shown in ({"token": older}, None):
        again = gate.ask("POST", "/api/tokens/refresh", shown, token=None if shown else older)
        assert (again.status, again.json["code"]) == (401, "TOKEN_REVOKED")
    assert refusal(gate, PATH, older, address=address).code == "TOKEN_REVOKED"
    # Whoever is connected stays, and takes the newer one.
    assert "refreshed" in ann.ask(refresh={"token": newer})
    enter(gate, newer, address=address)
    body = gate.ask("POST", "/api/tokens/refresh", {"token": newer})
    assert body.status == 200, body


def test_of_many_who_exchange_the_same_token_one_gets_a_newer_one(gate: Gate) -> None:
    """R10: whoever copied a token cannot make two of it."""
    older = token("ann-many")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(gate.ask, "POST", "/api/tokens/refresh", token=older) for _ in range(8)]
        answers = sorted(it.result().status for it in asked)
    assert answers == [200] + [401] * 7


def test_what_is_not_good_is_not_exchanged(gate: Gate, address: str) -> None:
    """R10, A12: and whoever guesses has to wait."""
    def ask(shown: str | None, body: Any = None) -> tuple[int, str]:
        path = "/api/tokens/refresh"
        answer = gate.ask("POST", path, body, token=shown, address=address)
        return answer.status, answer.json["code"]

    assert ask(token("ann", ttl=-10)) == (401, "TOKEN_EXPIRED")
    assert ask(token("ann", user_id=None, sub="ann", token_type="foreign")) == (
        409,
        "NOT_MINTED_HERE",
    )
    assert ask(None, {"token": ""}) == (401, "AUTH_REQUIRED")
    assert ask(None, {"jwt": "a"})[0] == 400
    for _ in range(3):
        assert ask(f"{CANARY}.not.valid") == (401, "INVALID_TOKEN")
    assert ask(token("ann")) == (429, "AUTH_BACKOFF")


# What is logged


def test_session_ids_are_in_no_log_above_debug(
    tmp_path_factory: pytest.TempPathFactory, address: str
) -> None:
    """A7, A13: an id is as good as a token for as long as its session waits."""
    folder = tmp_path_factory.mktemp("quiet")
    gate = Gate(CONFIGS / "sessions.toml", folder, environment={"TIDEGATE_LOG": "info"})
    gate.start()
    try:
        ann, welcome = enter(gate, token("ann"), address=address)
        vanish(ann)
        away(gate, welcome["session"])
        enter(gate, token("ann"), welcome["session"], address=address)
        api(gate, "POST", "/api/revoke", {"session": welcome["session"]})
        assert welcome["session"] not in gate.log()
        assert "revoked" in gate.log()
    finally:
        gate.close()


# A restart


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_sessions_and_revocations_survive_a_restart(
    tmp_path_factory: pytest.TempPathFactory, address: str, how: str
) -> None:
    """R24, A9: a revocation is on the disk when it is answered, a session within a second or so."""
    gate = Gate(CONFIGS / "sessions.toml", tmp_path_factory.mktemp(how)).start()
    try:
        shown, revoked = token("ann"), token("bob", jti="bobs-token")
        ann, welcome = enter(gate, shown, path="/ws/double", device="phone", address=address)
        ended, ends = enter(gate, shown, path="/ws/double", address=address)
        ended.connection.close(1000)
        until(lambda: state(gate, ends["session"]) == "SESSION_UNKNOWN", "it to end")
        if how == "killed":
            # Sessions are written once a second; the other one has ended.
            until(lambda: sessions_on_disk(gate) == 1, "the session to be written", 5)
        api(gate, "POST", "/api/revoke", {"jti": "bobs-token", "reason": "Lost."})
        if how == "killed":
            gate.kill()
        else:
            gate.close()
        vanish(ann)
        gate.start()
        assert [it["id"] for it in listed(gate, "ann")] == [welcome["session"]]
        assert state(gate, welcome["session"]) == "away"
        assert listed(gate, "ann")[0]["device"] == "phone"
        refused = refusal(gate, PATH, revoked, address=address)
        assert (refused.code, refused.body["message"]) == ("TOKEN_REVOKED", "Lost.")
        _, again = enter(gate, None, welcome["session"], path="/ws/double", address=address)
        assert (again["user"], again["resumed"]) == ("ann", True)
        gate.close()
    finally:
        if gate.process is not None and gate.process.poll() is None:
            gate.kill()
