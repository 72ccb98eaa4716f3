"""The native dialect, spoken by a WebSocket library that knows nothing of it."""

import time

import pytest
from websockets.exceptions import InvalidStatus

from clients import SUBPROTOCOL, Client, connect, native, refusal
from gate import Gate, until
from tokens import CANARY, token

PATH = "/ws"


def member(gate: Gate, user: str, channel: str, address: str) -> Client:
    """Someone who has subscribed."""
    client = native(gate, PATH, token(user), address=address)
    assert client.ask(subscribe={"channel": channel})["subscribed"]["channel"] == channel
    return client


def error(reply: dict) -> str:
    """The code of a refusal."""
    assert set(reply) == {"id", "error"}, reply
    assert reply["error"]["message"]
    return str(reply["error"]["code"])


# Connecting


def test_a_token_may_come_in_the_query(channels: Gate, address: str) -> None:
    """R2: and the welcome says who one is, until when, and how often we ping."""
    shown = token("ann", ttl=600)
    with connect(channels, PATH, shown, address=address, protocols=[SUBPROTOCOL]) as ann:
        assert ann.connection.subprotocol == SUBPROTOCOL
        welcome = ann.hear()["connected"]
    assert (welcome["user"], welcome["ping"]) == ("ann", 25.0)
    assert abs(welcome["expires_at"] - time.time() - 600) < 30


def test_a_token_may_come_in_the_header(channels: Gate, address: str) -> None:
    """R3."""
    with connect(channels, PATH, bearer=token("ann"), address=address) as ann:
        assert ann.hear()["connected"]["user"] == "ann"


def test_a_token_may_come_as_a_subprotocol(channels: Gate, address: str) -> None:
    """A7: where browsers can put one that stays out of addresses. It is not the one agreed upon."""
    protocols = [f"bearer.{token('ann')}", SUBPROTOCOL]
    with connect(channels, PATH, protocols=protocols, address=address) as ann:
        assert ann.connection.subprotocol == SUBPROTOCOL
        assert ann.hear()["connected"]["user"] == "ann"


def test_a_token_may_come_in_the_first_message(channels: Gate, address: str) -> None:
    """A7."""
    with connect(channels, PATH, protocols=[SUBPROTOCOL], address=address) as ann:
        reply = ann.ask(connect={"token": token("ann")})
        assert reply["connected"]["user"] == "ann"
        assert "subscribed" in ann.ask(subscribe={"channel": "room:first"})


def test_a_first_message_that_does_not_come_ends_the_connection(
    channels: Gate, address: str
) -> None:
    """R33, H7: after the second that this route gives."""
    began = time.monotonic()
    with connect(channels, PATH, protocols=[SUBPROTOCOL], address=address) as nobody:
        end = nobody.hear_end()
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4001, "FIRST_MESSAGE_LATE")
    assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    "first",
    [
        {"id": 1, "subscribe": {"channel": "room:den"}},
        {"id": 1, "connect": {"token": f"{CANARY}.not.valid"}},
        {"id": 1, "connect": {"token": ""}},
        "nonsense",
    ],
)
def test_a_first_message_without_a_good_token_ends_the_connection(
    channels: Gate, address: str, first: object
) -> None:
    """R1, C3: nothing is done for anyone who has not shown one."""
    with connect(channels, PATH, protocols=[SUBPROTOCOL], address=address) as nobody:
        nobody.say(first)
        end = nobody.hear_end()
    assert end.code == 4001, end
    assert not any("subscribed" in it for it in end.frames)


def test_a_bad_token_in_the_query_is_refused_before_the_upgrade(
    channels: Gate, address: str
) -> None:
    """R11: it does not help that a message could bring a better one."""
    refused = refusal(
        channels, PATH, f"{CANARY}.not.valid", address=address, protocols=[SUBPROTOCOL]
    )
    assert (refused.status, refused.code) == (401, "INVALID_TOKEN")


# Channels


def test_what_one_publishes_all_members_hear_in_one_order(channels: Gate, address: str) -> None:
    """R81, R130: the publisher included; each message has its place."""
    ann = member(channels, "ann", "room:order", address)
    bob = member(channels, "bob", "room:order", address)
    places = []
    for number in range(20):
        speaker = (ann, bob)[number % 2]
        speaker.say({"id": 1000 + number, "publish": {"channel": "room:order", "data": number}})
    heard = {"ann": [], "bob": []}
    for name, client in [("ann", ann), ("bob", bob)]:
        while len(heard[name]) < 20:
            frame = client.hear_where(lambda it: "publication" in it)["publication"]
            heard[name].append(frame)
    assert heard["ann"] == heard["bob"]
    places = [it["offset"] for it in heard["ann"]]
    assert places == list(range(places[0], places[0] + 20))
    assert {it["epoch"] for it in heard["ann"]} == {heard["ann"][0]["epoch"]}
    assert {it["user"] for it in heard["ann"]} == {"ann", "bob"}
    assert sorted(it["data"] for it in heard["ann"]) == list(range(20))


def test_a_publish_is_answered_with_its_place(channels: Gate, address: str) -> None:
    """And a payload comes out as it went in, whatever is in it."""
    ann = member(channels, "ann", "room:place", address)
    data = {"text": "h\u00e9\u2603\u0000\u2028", "n": [1.5, None, True], "deep": {"a": {"b": []}}}
    placed = ann.ask(publish={"channel": "room:place", "data": data})["published"]
    bob = member(channels, "bob", "room:place", address)
    later = ann.ask(publish={"channel": "room:place", "data": data})["published"]
    assert later["offset"] == placed["offset"] + 1
    frame = bob.hear()["publication"]
    assert (frame["offset"], frame["data"]) == (later["offset"], data)


def test_a_signal_reaches_whoever_is_here_and_has_no_place(channels: Gate, address: str) -> None:
    """R76, R77: and nobody can speak as somebody else (C6)."""
    ann = member(channels, "ann", "room:signals", address)
    bob = member(channels, "bob", "room:signals", address)
    data = {"typing": True, "user": "root"}
    assert "signalled" in ann.ask(signal={"channel": "room:signals", "data": data})
    assert bob.hear() == {"signal": {"channel": "room:signals", "user": "ann", "data": data}}


def test_whoever_has_unsubscribed_hears_no_more(channels: Gate, address: str) -> None:
    """C5."""
    ann = member(channels, "ann", "room:leaving", address)
    bob = member(channels, "bob", "room:leaving", address)
    assert "unsubscribed" in bob.ask(unsubscribe={"channel": "room:leaving"})
    ann.ask(publish={"channel": "room:leaving", "data": "gone?"})
    assert "pong" in bob.ask(ping={})
    with pytest.raises(TimeoutError):
        bob.connection.recv(0)


def test_identity_that_a_client_sends_along_is_refused(channels: Gate, address: str) -> None:
    """C6."""
    ann = member(channels, "ann", "room:who", address)
    said = {"channel": "room:who", "data": 1, "user": "root", "offset": 7}
    assert error(ann.ask(publish=said)) in ("BAD_COMMAND", "UNKNOWN_COMMAND")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"fly": {}}, "UNKNOWN_COMMAND"),
        ({}, "BAD_COMMAND"),
        ({"ping": {}, "subscribe": {"channel": "room:a"}}, "BAD_COMMAND"),
        ({"subscribe": {}}, "BAD_COMMAND"),
        ({"subscribe": {"channel": ""}}, "BAD_CHANNEL"),
        ({"subscribe": {"channel": "room:*"}}, "BAD_CHANNEL"),
        ({"subscribe": {"channel": "room:a b"}}, "BAD_CHANNEL"),
        ({"subscribe": {"channel": "room:\r\nFLUSHALL"}}, "BAD_CHANNEL"),
        ({"subscribe": {"channel": "room:" + "a" * 300}}, "BAD_CHANNEL"),
        ({"subscribe": {"channel": "rooms:den"}}, "DENIED"),
        ({"subscribe": {"channel": "room:locked"}}, "DENIED"),
        ({"publish": {"channel": "room:locked", "data": 1}}, "DENIED"),
        ({"signal": {"channel": "room:locked", "data": 1}}, "DENIED"),
        ({"subscribe": {"channel": "user:bob"}}, "DENIED"),
        ({"publish": {"channel": "user:ann", "data": 1}}, "DENIED"),
        ({"publish": {"channel": "news:today", "data": 1}}, "DENIED"),
        ({"unsubscribe": {"channel": "room:never"}}, "NOT_SUBSCRIBED"),
        ({"subscribe": {"channel": "$canary"}}, "DENIED|BAD_CHANNEL"),
        ({"publish": {"channel": "@system", "data": 1}}, "DENIED|BAD_CHANNEL"),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_connection_stays(
    channels: Gate, address: str, command: dict, code: str
) -> None:
    """R16, R55, R56, C1, C3, F11."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        assert error(ann.ask(**command)) in code.split("|")
        assert "pong" in ann.ask(ping={})


def test_permissions_follow_the_claims_of_the_token(channels: Gate, address: str) -> None:
    """R16, A10: of the token, not of what a message says."""
    editor = native(channels, PATH, token("eve", role="Editor"), address=address)
    reader = member(channels, "ann", "news:today", address)
    own = native(channels, PATH, token("ann"), address=address)
    assert "subscribed" in own.ask(subscribe={"channel": "user:ann"})
    assert "published" in editor.ask(publish={"channel": "news:today", "data": "hello"})
    assert reader.hear()["publication"]["data"] == "hello"


def test_a_user_whose_name_is_a_pattern_matches_only_itself(
    channels: Gate, address: str
) -> None:
    """C1: templates are substituted as literals."""
    with native(channels, PATH, token("*"), address=address) as star:
        assert error(star.ask(subscribe={"channel": "user:bob"})) == "DENIED"


def test_subscribing_twice_is_told(channels: Gate, address: str) -> None:
    """R56."""
    ann = member(channels, "ann", "room:twice", address)
    assert error(ann.ask(subscribe={"channel": "room:twice"})) == "ALREADY_SUBSCRIBED"


def test_one_connection_is_in_so_many_channels(channels: Gate, address: str) -> None:
    """F14: four on this route; leaving one makes room."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        for number in range(4):
            assert "subscribed" in ann.ask(subscribe={"channel": f"room:n{number}"})
        assert error(ann.ask(subscribe={"channel": "room:n4"})) == "TOO_MANY_CHANNELS"
        ann.ask(unsubscribe={"channel": "room:n0"})
        assert "subscribed" in ann.ask(subscribe={"channel": "room:n4"})


def test_several_commands_fit_into_one_frame(channels: Gate, address: str) -> None:
    """R52, F11: up to sixty-four, each with its reply."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        ann.say([{"id": it, "ping": {}} for it in range(64)])
        assert sorted(ann.hear()["id"] for _ in range(64)) == list(range(64))
        ann.say([{"id": it, "ping": {}} for it in range(65)])
        assert ann.hear()["error"]["code"] == "BAD_COMMAND"


@pytest.mark.parametrize("bomb", ["[" * 60_000, '{"a":' * 10_000, "\n" * 60_000])
def test_bombs_are_told_no(channels: Gate, address: str, bomb: str) -> None:
    """F11."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        ann.say(bomb)
        assert ann.hear()["error"]["code"] in ("BAD_COMMAND", "INVALID_JSON")
        assert "pong" in ann.ask(ping={})


# Tokens that end


def test_a_token_about_to_end_is_announced_and_its_end_closes(
    channels: Gate, address: str
) -> None:
    """A8: announced at once, since less than a minute is left; closed at its end, 3 s from here."""
    shown, began = token("ann", ttl=3), time.time()
    with connect(channels, PATH, shown, address=address, protocols=[SUBPROTOCOL]) as ann:
        until_when = ann.hear()["connected"]["expires_at"]
        expiring = ann.hear_where(lambda it: "expiring" in it)["expiring"]
        assert expiring["expires_at"] == until_when
        # Clocks of tokens count whole seconds, so it may be one more.
        assert 1 < expiring["within"] <= 4
        end = ann.hear_end()
    assert (end.code, end.frames[-1]["closing"]["code"]) == (4001, "TOKEN_EXPIRED")
    assert abs(time.time() - began - 3) < 1.5


def test_a_refreshed_token_keeps_the_connection(channels: Gate, address: str) -> None:
    """R10, A8: ann outlives the end of the token she came with; bob, who had the same end, not."""
    ann = native(channels, PATH, token("ann", ttl=3), address=address)
    bob = native(channels, PATH, token("bob", ttl=3), address=address)
    refreshed = ann.ask(refresh={"token": token("ann", ttl=3600)})["refreshed"]
    assert refreshed["expires_at"] > time.time() + 3000
    assert bob.hear_end().code == 4001
    assert "pong" in ann.ask(ping={})


@pytest.mark.parametrize(
    "fresh",
    [
        lambda: token("ann", ttl=-1),
        lambda: token("ann", token_type="refresh"),
        lambda: f"{CANARY}.not.valid",
    ],
)
def test_a_refresh_must_be_a_good_token(
    channels: Gate, address: str, fresh: object
) -> None:
    """A8, A13: nobody becomes somebody else, and a bad one does not prolong anything."""
    assert callable(fresh)
    with native(channels, PATH, token("ann", ttl=2), address=address) as ann:
        ann.say({"id": 9, "refresh": {"token": fresh()}})
        frame = ann.hear_where(lambda it: "error" in it or "closing" in it)
        refused = frame.get("error") or frame["closing"]
        assert refused["code"] in ("INVALID_TOKEN", "TOKEN_EXPIRED")
        assert ann.hear_end().code == 4001


def test_whoever_shows_another_users_token_is_parted_with(channels: Gate, address: str) -> None:
    """A8: told why, and by a number that says not to come back like this."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        ann.say({"id": 9, "refresh": {"token": token("bob")}})
        assert ann.hear_where(lambda it: "closing" in it)["closing"]["code"] == "FORBIDDEN"
        assert ann.hear_end().code == 4003


# Being parted with


def test_a_client_that_offers_other_protocols_only_is_not_lied_to(
    channels: Gate, address: str
) -> None:
    """R45: no subprotocol is agreed upon that nobody asked for."""
    try:
        with connect(channels, PATH, token("ann"), address=address, protocols=["chat.v9"]) as ann:
            assert ann.connection.subprotocol is None
    except InvalidStatus as refused:
        assert refused.response.status_code == 400


def test_a_binary_frame_is_not_understood_and_harms_nobody(channels: Gate, address: str) -> None:
    """F8."""
    with native(channels, PATH, token("ann"), address=address) as ann:
        ann.connection.send(b"\x00\xff")
        assert ann.hear_end().code == 1003
    assert until(channels.is_ready, "it to be ready")
