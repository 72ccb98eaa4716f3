"""Receipts, typing and presence, as clients meet them: R75, R76, R77, R79, R81, C4, L3."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from clients import Client, connect, native
from conftest import CONFIGS
from gate import API_KEY, Gate, running
from test_limits import silent_socket
from tokens import token

PATH = "/ws"
WARDEN = {"role": "Warden"}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Rooms of which wardens may know who is in them, on three shards."""
    yield from running(Gate(CONFIGS / "presence.toml", tmp_path_factory.mktemp("presence")))


def warden(gate: Gate, user: str, room: str) -> Client:
    """Somebody who is told who comes and goes."""
    client = native(gate, PATH, token(user, **WARDEN))
    client.ask(subscribe={"channel": room, "presence": True})
    return client


def guest(gate: Gate, user: str, room: str, path: str = PATH) -> Client:
    """Somebody who is in the room, and may not know who else is."""
    client = native(gate, path, token(user))
    client.ask(subscribe={"channel": room})
    return client


def vanish(client: Client) -> None:
    """The network is gone: no goodbye."""
    client.socket.close()
    client.connection.close()


def hear(client: Client, kind: str) -> Any:
    """The next notice of this kind."""
    return client.hear_where(lambda it: kind in it and "id" not in it, kind)[kind]


def hear_all(client: Client) -> list[Any]:
    """Everything that has been said to a client until now."""
    heard = []
    client.say({"id": 999, "ping": {}})
    while True:
        frame = client.hear()
        if frame.get("id") == 999:
            return heard
        heard.append(frame)


def names(people: list[dict[str, Any]]) -> list[str]:
    """Who they are."""
    return sorted(it["user"] for it in people)


def test_a_warden_is_told_who_comes_and_goes(gate: Gate) -> None:
    """R77, R79, R81: once each, whatever the number of their windows."""
    ann = warden(gate, "ann", "room:hall")
    assert hear(ann, "presence") == {
        "channel": "room:hall",
        "joined": [{"user": "ann", "status": "online"}],
        "users": 1,
    }
    windows = [guest(gate, "bob", "room:hall") for _ in range(5)]
    assert names(hear(ann, "presence")["joined"]) == ["bob"]
    roll = ann.ask(presence={"channel": "room:hall"})["presence"]
    assert (roll["count"], roll["connections"]) == (2, 6)
    assert [it["connections"] for it in roll["users"]] == [1, 5]
    assert abs(roll["users"][1]["since"] - time.time()) < 30

    assert windows[0].ask(status={"presence": "away"})["status"] == {"presence": "away"}
    for window in windows[1:]:
        window.ask(unsubscribe={"channel": "room:hall"})
    assert hear(ann, "presence")["changed"] == [{"user": "bob", "status": "away"}]
    told = gate.ask("GET", "/api/channels/room:hall/presence", token=API_KEY).json
    roll = ann.ask(presence={"channel": "room:hall"})["presence"]
    assert {"channel": "room:hall"} | told == roll
    windows[0].ask(unsubscribe={"channel": "room:hall"})
    assert hear(ann, "presence") == {"channel": "room:hall", "left": ["bob"], "users": 1}
    seen = ann.ask(presence={"channel": "room:hall", "user": "bob"})["presence"]["users"][0]
    assert (seen["user"], seen["status"]) == ("bob", "offline")
    assert abs(seen["last_seen"] - time.time()) < 30


def test_whoever_comes_back_soon_has_not_been_away(gate: Gate) -> None:
    """L3: a lost connection is waited for; whoever stays away is missed."""
    ann = warden(gate, "ann", "room:lost")
    bob = guest(gate, "bob", "room:lost")
    while hear(ann, "presence")["users"] < 2:
        pass
    vanish(bob)
    bob = guest(gate, "bob", "room:lost")
    time.sleep(2.5)
    assert hear_all(ann) == []
    lost_at = time.monotonic()
    vanish(bob)
    assert hear(ann, "presence")["left"] == ["bob"]
    assert 1.5 < time.monotonic() - lost_at < 5


def test_whoever_may_not_know_is_told_nothing(gate: Gate) -> None:
    """C4: on any path, in either dialect, not a byte."""
    ann = warden(gate, "annika", "room:dark")
    eve = guest(gate, "eve", "room:dark")
    plain = connect(gate, "/ws/plain/dark", token("pat"))
    for refused in (
        eve.ask(presence={"channel": "room:dark"}),
        eve.ask(presence={"channel": "room:dark", "limit": 0, "watch": True}),
        eve.ask(presence={"channel": "room:dark", "user": "annika"}),
        native(gate, PATH, token("eve")).ask(subscribe={"channel": "room:dark", "presence": True}),
    ):
        assert refused["error"]["code"] == "DENIED"
        assert "annika" not in str(refused)
    bob = guest(gate, "bob", "room:dark")
    while "bob" not in names(hear(ann, "presence").get("joined", [])):
        pass
    bob.ask(status={"presence": "on a boat"})
    assert hear(ann, "presence")["changed"] == [{"user": "bob", "status": "on a boat"}]
    bob.ask(unsubscribe={"channel": "room:dark"})
    assert hear(ann, "presence")["left"] == ["bob"]
    assert hear_all(eve) == []
    gate.publish("room:dark", "the end")
    assert plain.hear() == "the end"


def test_members_see_who_writes(gate: Gate) -> None:
    """R76: when they begin and when they stop, also by going; plain clients are not told."""
    ann, bob = guest(gate, "ann", "room:talk"), guest(gate, "bob", "room:talk")
    plain = connect(gate, "/ws/plain/talk", token("pat"))
    typing = {"channel": "room:talk", "active": True}
    assert ann.ask(typing=typing)["typing"] == typing
    assert hear(bob, "typing") == {"channel": "room:talk", "user": "ann", "active": True}
    ann.ask(typing=typing)
    ann.ask(typing=typing | {"active": False})
    assert hear(bob, "typing")["active"] is False
    ann.say({"typing": typing})
    assert hear(bob, "typing")["active"] is True
    began = time.monotonic()
    assert hear(bob, "typing")["active"] is False
    assert 4 < time.monotonic() - began < 8
    ann.say({"typing": typing})
    assert hear(bob, "typing")["active"] is True
    vanish(ann)
    assert hear(bob, "typing")["active"] is False
    gate.publish("room:talk", "the end")
    assert plain.hear() == "the end"


def test_whoever_writes_too_often_is_refused_and_may_still_speak(gate: Gate) -> None:
    """F14: the limit is its own."""
    ann = guest(gate, "ann", "room:fast")
    answers = [
        ann.ask(typing={"channel": "room:fast", "active": number % 2 == 0}) for number in range(6)
    ]
    assert [("error" in it) for it in answers] == [False] * 5 + [True]
    assert answers[-1]["error"]["code"] == "TOO_FAST"
    assert 0 < answers[-1]["error"]["details"]["retry_after"] <= 1
    assert ann.ask(publish={"channel": "room:fast", "data": 1})["published"]["offset"] == 1


def test_members_see_how_far_others_have_read(gate: Gate) -> None:
    """R75: everyone's newest place, and nobody's twice."""
    ann, bob, cid = (guest(gate, it, "room:read") for it in ("ann", "bob", "cid"))
    for number in range(1, 51):
        gate.publish("room:read", number)
    for offset in range(1, 51):
        bob.say({"read": {"channel": "room:read", "offset": offset}})
        cid.say({"ack": {"channel": "room:read", "offset": offset}})
    heard: dict[str, dict[str, Any]] = {}
    count = 0
    final = {"bob": (50, 50), "cid": (50, 0)}
    places = lambda: {user: (it["delivered"], it["read"]) for user, it in heard.items()}
    while places() != final:
        notice = hear(ann, "receipts")
        count += 1
        for it in notice["receipts"]:
            before = heard.get(it["user"], {"delivered": 0, "read": 0})
            assert before["delivered"] <= it["delivered"] and before["read"] <= it["read"]
            heard[it["user"]] = it
    assert count < 20, "a hundred marks are a few notices"


def test_a_peer_that_vanished_is_missed(gate: Gate) -> None:
    """L3: no goodbye, no answer to a ping, and then gone."""
    ann = warden(gate, "ann", "room:void")
    bob = silent_socket(gate, "127.0.0.1", "/ws/watched/void", token("bob"))
    while hear(ann, "presence")["users"] < 2:
        pass
    assert hear(ann, "presence")["left"] == ["bob"]
    bob.close()
