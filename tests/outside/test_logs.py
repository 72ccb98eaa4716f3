"""Logs, mailboxes and cursors, as clients and backends meet them: R24, R59, R74, R75, R90, R91,
C3, C5, L6, L7."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from clients import SUBPROTOCOL, Client, connect, native
from gate import API_KEY, EXAMPLES, Gate, running, until
from tokens import token

PATH = "/ws/native"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The example whose namespaces keep something."""
    yield from running(Gate(EXAMPLES / "state.toml", tmp_path_factory.mktemp("state")))


def enter(gate: Gate, user: str) -> Client:
    """A client of the native dialect."""
    return native(gate, PATH, token(user))


def read(gate: Gate, channel: str, query: str = "") -> dict[str, Any]:
    """A part of a channel's log, over HTTP."""
    answer = gate.ask("GET", f"/api/channels/{channel}/history{query}", token=API_KEY)
    assert answer.status == 200, answer
    return dict(answer.json)


def publications(client: Client, count: int) -> list[tuple[int, Any]]:
    """The next publications it hears, by offset."""
    heard = []
    while len(heard) < count:
        frame = client.hear_where(lambda it: "publication" in it)["publication"]
        heard.append((frame["offset"], frame["data"]))
    return heard


def since(place: dict[str, Any]) -> dict[str, Any]:
    """A place as a client names it."""
    return {"epoch": place["epoch"], "offset": place["offset"]}


def test_a_log_is_read_both_ways_and_by_time(state: Gate) -> None:
    """Over HTTP and over a socket, the same."""
    places = [state.publish("log:both", {"n": number}) for number in range(1, 8)]
    assert [it["offset"] for it in places] == [1, 2, 3, 4, 5, 6, 7]
    whole = read(state, "log:both")
    assert (whole["epoch"], whole["head"], whole["first"]) == (places[0]["epoch"], 7, 1)
    assert [it["data"]["n"] for it in whole["items"]] == [1, 2, 3, 4, 5, 6, 7]
    offsets = lambda page: [it["offset"] for it in page["items"]]
    assert offsets(read(state, "log:both", "?after=2&limit=3")) == [3, 4, 5]
    assert offsets(read(state, "log:both", "?before=5&limit=2")) == [3, 4]
    assert offsets(read(state, "log:both", "?limit=2")) == [6, 7]
    assert offsets(read(state, "log:both", f"?time={whole['items'][4]['time']}"))[-3:] == [5, 6, 7]
    assert offsets(read(state, "log:both", "?epoch=1")) == []

    ann = enter(state, "ann")
    for asked, expected in [
        ({"after": 2, "limit": 3}, [3, 4, 5]),
        ({"before": 5, "limit": 2}, [3, 4]),
        ({}, [1, 2, 3, 4, 5, 6, 7]),
    ]:
        assert offsets(ann.ask(history={"channel": "log:both"} | asked)["history"]) == expected
    assert ann.ask(history={"channel": "lobby"})["error"]["code"] == "NO_LOG"
    answer = state.ask("GET", "/api/channels/lobby/history", token=API_KEY)
    assert (answer.status, answer.json["code"]) == (409, "NO_LOG")


@pytest.mark.parametrize("channel", ["log:back", "quick:back", "memory:back"])
def test_whoever_comes_back_misses_nothing(state: Gate, channel: str) -> None:
    """R24, R59: what was missed, in order, then what comes, with neither gap nor double."""
    ann = enter(state, "ann")
    stand = ann.ask(subscribe={"channel": channel})["subscribed"]
    state.publish(channel, 1)
    assert publications(ann, 1) == [(1, 1)]
    ann.close()
    for number in range(2, 400):
        state.publish(channel, number)
    bob = enter(state, "ann")
    done = threading.Event()

    def talk() -> None:
        for number in range(400, 500):
            state.publish(channel, number)
        done.set()

    threading.Thread(target=talk).start()
    place = {"epoch": stand["epoch"], "offset": 1}
    told = bob.ask(subscribe={"channel": channel, "since": place})["subscribed"]
    assert (told["offset"], told["recovered"]) == (1, True)
    assert publications(bob, 498) == [(it, it) for it in range(2, 500)]
    until(done.is_set, "the publisher to be done")


def test_what_is_gone_is_said_to_be_gone(state: Gate) -> None:
    """Never silently partial: another epoch, or further back than the log goes."""
    first = state.publish("memory:gone", 0)
    for number in range(1, 1100):
        state.publish("memory:gone", number)
    ann = enter(state, "ann")
    told = ann.ask(subscribe={"channel": "memory:gone", "since": since(first)})["subscribed"]
    assert (told["recovered"], told["first"], told["offset"]) == (False, 101, 1100)
    ann.ask(unsubscribe={"channel": "memory:gone"})
    foreign = {"epoch": "1", "offset": 5}
    told = ann.ask(subscribe={"channel": "memory:gone", "since": foreign})["subscribed"]
    assert told["recovered"] is False
    state.publish("memory:gone", "next")
    assert publications(ann, 1) == [(1101, "next")]


def test_a_rewind_begins_with_the_newest(state: Gate) -> None:
    """The last few, or what was said since a moment."""
    for number in range(1, 11):
        state.publish("log:rewind", number)
    ann = enter(state, "ann")
    told = ann.ask(subscribe={"channel": "log:rewind", "rewind": {"last": 3}})["subscribed"]
    assert told["offset"] == 7 and "recovered" not in told
    assert publications(ann, 3) == [(8, 8), (9, 9), (10, 10)]
    moment = read(state, "log:rewind")["items"][8]["time"]
    bob = enter(state, "bob")
    bob.ask(subscribe={"channel": "log:rewind", "rewind": {"time": moment}})
    assert publications(bob, 2)[-2:] == [(9, 9), (10, 10)]


def test_the_same_key_is_the_same_message_even_after_a_crash(tmp_path: Any) -> None:
    """Confirmed on disk together with what it was a key of (L7)."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path)
    for _ in running(gate):
        first = gate.publish("log:key", "once", idempotency_key="k")
        assert gate.publish("log:key", "once", idempotency_key="k") == first
        ann = enter(gate, "ann")
        said = ann.ask(publish={"channel": "log:key", "data": "ann's", "key": "k"})["published"]
        assert said["offset"] == 2
        gate.kill()
        gate.start()
        assert gate.publish("log:key", "once", idempotency_key="k") == first
        ann = enter(gate, "ann")
        again = ann.ask(publish={"channel": "log:key", "data": "ann's", "key": "k"})["published"]
        assert again == said
        assert read(gate, "log:key")["head"] == 2


def test_a_crash_loses_nothing_that_was_confirmed(tmp_path: Any) -> None:
    """L7: the epoch goes on, and whoever comes back recovers over it; what was confirmed before it
    was on disk begins another, so that no offset ever means two things."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path)
    for _ in running(gate):
        kept = [gate.publish("log:crash", number) for number in range(20)]
        quick = gate.publish("quick:crash", 0)
        gate.publish("memory:crash", 0)
        gate.kill()
        gate.start()
        ann = enter(gate, "ann")
        told = ann.ask(subscribe={"channel": "log:crash", "since": since(kept[4])})["subscribed"]
        assert (told["epoch"], told["recovered"]) == (kept[0]["epoch"], True)
        assert publications(ann, 15) == [(it + 1, it) for it in range(5, 20)]
        told = ann.ask(subscribe={"channel": "quick:crash", "since": since(quick)})["subscribed"]
        assert told["recovered"] is False and told["epoch"] != quick["epoch"]
        assert gate.publish("log:crash", "on") == {"epoch": kept[0]["epoch"], "offset": 21}
        assert publications(ann, 1) == [(21, "on")]


def test_mail_waits_until_it_is_acknowledged(state: Gate) -> None:
    """R74, R91: in order, before what comes, on every return; and it can be seen waiting."""
    for number in range(1, 4):
        state.publish("user:mia", number)
    mia = enter(state, "mia")
    told = mia.ask(subscribe={"channel": "user:mia"})["subscribed"]
    assert (told["delivered"], told["unread"]) == (0, 3)
    assert publications(mia, 3) == [(1, 1), (2, 2), (3, 3)]
    assert mia.ask(ack={"channel": "user:mia", "offset": 2})["marked"]["delivered"] == 2
    mia.close()
    state.publish("user:mia", 4)
    mia = enter(state, "mia")
    mia.ask(subscribe={"channel": "user:mia"})
    assert publications(mia, 2) == [(3, 3), (4, 4)]
    marked = mia.ask(read={"channel": "user:mia", "offset": 3})["marked"]
    assert marked == {"channel": "user:mia", "delivered": 3, "read": 3, "unread": 1}
    answer = state.ask("GET", "/api/channels/user:mia/cursors/mia", token=API_KEY)
    assert answer.json == marked | {"user": "mia", "undelivered": 1}
    assert mia.ask(ack={"channel": "user:mia", "offset": 9})["error"]["code"] == "BAD_OFFSET"
    assert mia.ask(ack={"channel": "lobby", "offset": 1})["error"]["code"] == "NOT_SUBSCRIBED"


def test_cursors_survive_a_crash_and_never_go_back(tmp_path: Any) -> None:
    """L7: what was marked and confirmed stays so."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path)
    for _ in running(gate):
        for number in range(5):
            gate.publish("room:one", number)
        ann = enter(gate, "ann")
        ann.ask(subscribe={"channel": "room:one"})
        ann.ask(read={"channel": "room:one", "offset": 4})
        gate.kill()
        gate.start()
        ann = enter(gate, "ann")
        told = ann.ask(subscribe={"channel": "room:one"})["subscribed"]
        assert (told["delivered"], told["read"], told["unread"]) == (4, 4, 1)
        marked = ann.ask(read={"channel": "room:one", "offset": 2})["marked"]
        assert (marked["delivered"], marked["read"]) == (4, 4)


def test_an_erased_log_shows_nothing_of_what_it_was(state: Gate) -> None:
    """C5: old places find nothing, and the same name begins in another epoch."""
    old = state.publish("log:erased", "secret")
    answer = state.ask("DELETE", "/api/channels/log:erased", token=API_KEY)
    assert (answer.status, answer.text) == (204, "")
    assert read(state, "log:erased")["items"] == []
    new = state.publish("log:erased", "new")
    assert new["offset"] == 1 and new["epoch"] != old["epoch"]
    ann = enter(state, "ann")
    told = ann.ask(subscribe={"channel": "log:erased", "since": since(old)})["subscribed"]
    assert told["recovered"] is False
    assert [it["data"] for it in read(state, "log:erased")["items"]] == ["new"]


def test_subscriptions_are_resumed_with_what_was_missed(state: Gate) -> None:
    """R24: one command for all of them, counted as one message."""
    ann = connect(state, PATH, token("ann"), protocols=[SUBPROTOCOL])
    session = ann.hear()["connected"]["session"]
    ann.ask(subscribe={"channel": "log:resumed"})
    ann.ask(subscribe={"channel": "memory:resumed"})
    ann.socket.close()
    ann.connection.close()
    until(lambda: state.active_connections() == 0, "the lost connection to be noticed")
    place = state.publish("log:resumed", "missed")
    state.publish("memory:resumed", "missed too")
    path = f"{PATH}?session={session}&token={token('ann')}"
    ann = connect(state, path, protocols=[SUBPROTOCOL])
    welcome = ann.hear()["connected"]
    assert (welcome["session"], welcome["resumed"]) == (session, True)
    before = {"epoch": place["epoch"], "offset": 0}
    told = ann.ask(resume={"session": session, "since": {"log:resumed": before}})["resumed"]
    assert sorted(told["channels"]) == ["log:resumed", "memory:resumed"]
    assert sorted(it[1] for it in publications(ann, 2)) == ["missed", "missed too"]
    stranger = enter(state, "eve")
    refused = stranger.ask(resume={"session": session, "since": {}})
    assert refused["error"]["code"] == "SESSION_UNKNOWN"
