"""What was said before, and who may have it: A13, C3, C5, F14."""

import time

import pytest
import raw
import tokens
from gate import LOGS, ROUTES, until

RULES = """
[[permissions]]
allow = ["subscribe", "history", "publish"]
channels = ["user:{user}", "log:open:*", "memory:open:*"]
[[permissions]]
allow = ["subscribe", "history"]
channels = ["log:staff:*"]
require = { role = ["staff"] }
[[permissions]]
allow = ["subscribe"]
channels = ["log:live:*"]
[[permissions]]
allow = ["history"]
channels = ["log:archive:*"]
[[permissions]]
deny = ["history"]
channels = ["log:open:sealed"]
"""
CHANNELS = [
    "log:open:a",
    "memory:open:a",
    "log:open:sealed",
    "log:staff:a",
    "log:live:a",
    "log:archive:a",
    "log:nowhere",
    "user:ann",
    "user:bob",
]
PEOPLE = {"ann": {}, "bob": {}, "sam": {"role": "staff"}}


def may(user, action, channel) -> bool:
    """The rules above, written once more."""
    if channel == f"user:{user}" or channel.split(":", 1)[1] == "open:a":
        return True
    if channel == "log:open:sealed":
        return action == "subscribe"
    if channel == "log:staff:a":
        return PEOPLE[user].get("role") == "staff"
    return (channel, action) in {("log:live:a", "subscribe"), ("log:archive:a", "history")}


@pytest.fixture(scope="module")
def kept(house):
    """A gate where each channel had a secret said in it."""
    routes = ROUTES[: ROUTES.index("[[permissions]]")] + RULES + LOGS
    # Longer than this module takes.
    with house.open(routes.replace('keep_for = "1s"', 'keep_for = "1h"')) as gate:
        gate.places = {it: gate.publish(it, f"secret of {it}") for it in CHANNELS}
        gate.publish("log:open:b", "secret of b")
        yield gate


def enter(gate, user="ann", session=None, **claims):
    """A connection, and the id of its session."""
    target = f"/ws?token={tokens.token(user, **claims)}"
    ws = gate.ws(target if session is None else f"{target}&session={session}")
    return ws, ws.json()["connected"]


def spoken(ws, command=None):
    """What a command is answered, and everything that is heard until a pong after that."""
    answer, heard = None, []
    for one in (command, {"ping": {}}):
        if one is None:
            continue
        ws.ids += 1
        ws.say({"id": ws.ids} | one)
        while (said := ws.json()).get("id") != ws.ids:
            heard.append(said)
        answer = said if one is command else answer
    return answer, heard if answer is None else [*heard, answer]


def asks(gate, channel):
    """Every way to ask for what was said in a channel, and the action it needs."""
    place = gate.places[channel]
    before = {"epoch": place["epoch"], "offset": 0}
    for span in ({}, {"after": 0}, {"before": 9}, {"time": 1}, {"after": 0, "epoch": place["epoch"]}):
        yield "history", {"history": {"channel": channel} | span}
    yield "subscribe", {"subscribe": {"channel": channel, "since": before}}
    yield "subscribe", {"subscribe": {"channel": channel, "rewind": {"last": 100}}}
    yield "subscribe", {"subscribe": {"channel": channel, "rewind": {"time": 1}}}


@pytest.mark.parametrize("user", PEOPLE)
def test_the_past_is_told_to_whom_the_rules_allow_it(kept, user):
    """C3, C5: every way to ask × channel × user is as the model says; a no shows nothing at all."""
    with enter(kept, user, **PEOPLE[user])[0] as ws:
        for channel in CHANNELS:
            for action, command in asks(kept, channel):
                answer, heard = spoken(ws, command)
                if not may(user, action, channel):
                    assert answer["error"]["code"] == "DENIED", (user, command)
                    assert "secret" not in repr(heard), (user, command)
                    assert spoken(ws)[1] == [], (user, command)
                    continue
                assert "error" not in answer, (user, command, answer)
                secret = f"secret of {channel}"
                if action == "history":
                    assert answer["history"]["items"][0]["data"] == secret, (user, command)
                else:
                    # What is on disk may come after the answer.
                    while secret not in repr(heard):
                        heard.append(ws.json())
                    assert "unsubscribed" in ws.ask(unsubscribe={"channel": channel})


@pytest.mark.parametrize("user", PEOPLE)
def test_resuming_takes_up_only_what_the_rules_allow(kept, user):
    """C3: places of channels that were never joined are no tickets to them."""
    ws, welcome = enter(kept, user, **PEOPLE[user])
    with ws:
        since = {it: {"epoch": kept.places[it]["epoch"], "offset": 0} for it in CHANNELS}
        answer, heard = spoken(ws, {"resume": {"session": welcome["session"], "since": since}})
        allowed = {it for it in CHANNELS if may(user, "subscribe", it)}
        assert set(answer["resumed"]["channels"]) == allowed
        said = [it["publication"]["data"] for it in heard if "publication" in it]
        while len(said) < len(allowed):
            said += [it["data"] for it in [ws.json().get("publication")] if it]
        assert sorted(said) == sorted(f"secret of {it}" for it in allowed)
        assert "secret" not in repr(spoken(ws))


def test_a_session_is_nothing_to_another_user(kept):
    """A13: with the session of A and the token of B: a new session, and no history of A."""
    ann, welcome = enter(kept, "ann")
    assert "subscribed" in ann.ask(subscribe={"channel": "user:ann"})
    ann.close()
    kept.publish("user:ann", "secret for ann while she is away")
    for again in range(2):
        ws, bobs = enter(kept, "bob", welcome["session"])
        with ws:
            assert bobs["user"] == "bob" and bobs["session"] != welcome["session"]
            assert "resumed" not in bobs
            place = kept.places["user:ann"]
            since = {"user:ann": {"epoch": place["epoch"], "offset": 0}} if again else {}
            for session in (welcome["session"], bobs["session"]):
                answer, heard = spoken(ws, {"resume": {"session": session, "since": since}})
                assert "secret" not in repr(heard)
                if session == welcome["session"]:
                    assert answer["error"]["code"] == "SESSION_UNKNOWN"
            assert spoken(ws)[1] == []
    # Nothing has happened to it.
    with enter(kept, "ann", welcome["session"])[0] as ann:
        since = {"user:ann": {"epoch": kept.places["user:ann"]["epoch"], "offset": 1}}
        ann.say({"id": 1, "resume": {"session": welcome["session"], "since": since}})
        while "publication" not in (said := ann.json()):
            pass
        assert said["publication"]["data"] == "secret for ann while she is away"


def test_who_loses_a_permission_loses_the_past_with_it(kept):
    """C3, C5: after a refresh that covers less, no way to ask is left; nor after leaving."""
    ws, welcome = enter(kept, "sam", role="staff")
    with ws:
        assert "subscribed" in ws.ask(subscribe={"channel": "log:staff:a"})
        assert "history" in ws.ask(history={"channel": "log:staff:a"})
        assert "unsubscribed" in ws.ask(unsubscribe={"channel": "log:staff:a"})
        # Whoever may read may do so without a seat; that is not what a seat is for.
        assert "history" in ws.ask(history={"channel": "log:staff:a"})
        assert "subscribed" in ws.ask(subscribe={"channel": "log:staff:a"})
        assert "refreshed" in ws.ask(refresh={"token": tokens.token("sam")})
        until(lambda: kept.http("GET", "/api/channels/log:staff:a").json["members"] == 0)
        spoken(ws)
        for _, command in asks(kept, "log:staff:a"):
            answer, heard = spoken(ws, command)
            assert answer["error"]["code"] == "DENIED" and "secret" not in repr(heard), command
    # What the connection had been in is asked for anew.
    ws, again = enter(kept, "sam", welcome["session"])
    with ws:
        assert again.get("resumed")
        answer, heard = spoken(ws, {"resume": {"session": welcome["session"], "since": {}}})
        assert answer["resumed"]["channels"] == [] and "secret" not in repr(heard)


def test_marks_of_others_are_theirs(kept):
    """C5: nobody acknowledges or reads in a mailbox they may not have."""
    before = kept.http("GET", "/api/channels/user:ann/cursors/ann", key="read").json
    with enter(kept, "bob")[0] as ws:
        for command in ("ack", "read"):
            said = ws.ask(**{command: {"channel": "user:ann", "offset": 1}})
            assert said["error"]["code"] == "NOT_SUBSCRIBED"
    assert kept.http("GET", "/api/channels/user:ann/cursors/ann", key="read").json == before


def test_guessing_places_shows_nothing_more(kept):
    """C5: of an epoch that is not the log's there is nothing, and offsets are only numbers."""
    epoch = kept.places["log:open:a"]["epoch"]
    near = f"{int(epoch, 16) ^ 1:x}"
    with enter(kept)[0] as ws:
        for guess in ("0", "1", "f" * 16, near, kept.places["log:staff:a"]["epoch"]):
            said = ws.ask(history={"channel": "log:open:a", "epoch": guess, "after": 0})
            assert said["history"]["items"] == [], said
            place = {"epoch": guess, "offset": 0}
            answer, heard = spoken(ws, {"subscribe": {"channel": "log:open:a", "since": place}})
            assert answer["subscribed"]["recovered"] is False
            assert "secret" not in repr(heard)
            ws.ask(unsubscribe={"channel": "log:open:a"})
        for offset in (2, 9, 2**31, 2**32 - 1, 2**53 - 1, 2**53, 2**63, 2**64 - 1):
            for command in ("after", "before"):
                said = ws.ask(history={"channel": "log:open:a", command: offset})
                assert "error" in said or all(
                    it["data"] == "secret of log:open:a" for it in said["history"]["items"]
                )
            place = {"epoch": epoch, "offset": offset}
            answer, heard = spoken(ws, {"subscribe": {"channel": "log:open:a", "since": place}})
            assert "error" in answer or answer["subscribed"]["recovered"] is False, (offset, answer)
            assert "secret" not in repr(heard)
            ws.ask(unsubscribe={"channel": "log:open:a"})
        for odd in (-1, 1.5, "1", 2**64, [], {"a": 1}):
            assert "error" in ws.ask(history={"channel": "log:open:a", "after": odd}), odd
        assert kept.history("log:open:a") == [(1, "secret of log:open:a")]


NUMBERS = "0 1 -1 1.5 -0.0 65535 65536 2147483648 4294967295 9007199254740993 1e15 1e18 1e19 1e300 -1e300"
NUMBERS = [*NUMBERS.split(), "1e-300", "1e400", str(2**63), str(2**64 - 1), str(2**64), "null", '"1"']


@pytest.mark.parametrize("channel", ["log:open:a", "memory:open:a", "user:ann", "log:open:new"])
def test_no_number_ends_a_shard(kept, channel):
    """C5, F16: whatever number stands where one may, it is answered, and there is no new shard."""
    epoch = kept.places.get(channel, kept.places["log:open:a"])["epoch"]
    with enter(kept)[0] as ws:
        for number in NUMBERS:
            for body in (
                f'"history": {{"channel": "{channel}", "after": {number}}}',
                f'"history": {{"channel": "{channel}", "before": {number}}}',
                f'"history": {{"channel": "{channel}", "time": {number}}}',
                f'"history": {{"channel": "{channel}", "limit": {number}}}',
                f'"history": {{"channel": "{channel}", "before": {number}, "limit": {number}}}',
                f'"subscribe": {{"channel": "{channel}", "rewind": {{"last": {number}}}}}',
                f'"subscribe": {{"channel": "{channel}", "rewind": {{"time": {number}}}}}',
                f'"subscribe": {{"channel": "{channel}", "since": {{"epoch": "{epoch}", "offset": {number}}}}}',
                f'"ack": {{"channel": "{channel}", "offset": {number}}}',
                f'"read": {{"channel": "{channel}", "offset": {number}}}',
            ):
                ws.send(f'{{"id": 77, {body}}}')
                while (said := ws.json()).get("id") != 77:
                    pass
                if "subscribed" in said:
                    # A member may acknowledge.
                    ws.ids = 100
                    for mark in ("ack", "read"):
                        ws.send(f'{{"id": 78, "{mark}": {{"channel": "{channel}", "offset": {number}}}}}')
                        while ws.json().get("id") != 78:
                            pass
                    assert "unsubscribed" in ws.ask(unsubscribe={"channel": channel})
            for query in ("after", "before", "time", "limit"):
                where = f"/api/channels/{channel}/history?{query}={number}"
                answer = kept.http("GET", where, key="read")
                assert answer.status in (200, 400), (where, answer)
    for query in ("after=nan", "time=inf", "time=-inf", "time=nan", "limit=", "after=1&after=2"):
        answer = kept.http("GET", f"/api/channels/{channel}/history?{query}", key="read")
        assert answer.status in (200, 400), (query, answer)
    assert kept.metric("tidegate_shard_restarts_total") == 0
    assert kept.metric("tidegate_http_panics_total") == 0


@pytest.mark.parametrize("channel", ["log:open:reused", "memory:open:reused"])
def test_a_name_that_is_used_again_shows_nothing_of_what_it_was(kept, channel):
    """C5: deleted and made anew: old places find nothing, old members are gone, old keys forgotten."""
    old = [kept.publish(channel, f"secret {it}") for it in range(5)]
    with enter(kept)[0] as ws:
        said = ws.ask(publish={"channel": channel, "data": "secret key", "key": "k"})["published"]
        assert "subscribed" in ws.ask(subscribe={"channel": channel})
        assert kept.http("DELETE", f"/api/channels/{channel}", key="read").status == 403
        assert kept.http("DELETE", f"/api/channels/{channel}").status == 204
        assert ws.end().code == 1012
    assert kept.history(channel) == []
    new = kept.publish(channel, "new")
    assert new["offset"] == 1 and new["epoch"] != old[0]["epoch"]
    with enter(kept)[0] as ws:
        again = ws.ask(publish={"channel": channel, "data": "said again", "key": "k"})["published"]
        assert again["epoch"] == new["epoch"] and said["epoch"] != new["epoch"]
        for place in old:
            since = {"epoch": place["epoch"], "offset": place["offset"]}
            said = ws.ask(history={"channel": channel, "epoch": place["epoch"], "after": 0})
            assert said["history"]["items"] == []
            answer, heard = spoken(ws, {"subscribe": {"channel": channel, "since": since}})
            assert answer["subscribed"]["recovered"] is False
            assert "secret" not in repr(heard)
            ws.ask(unsubscribe={"channel": channel})
    assert [it[1] for it in kept.history(channel)] == ["new", "said again"]


def test_the_past_over_http_needs_its_scope(kept):
    """C3: history and cursors by key; a token of whomever is none."""
    for path in ("/api/channels/user:ann/history", "/api/channels/user:ann/cursors/ann"):
        for key, status in {"read": 200, "admin": 200, "publish": 403, "disconnect": 403}.items():
            answer = kept.http("GET", path, key=key)
            assert answer.status == status, (path, key, answer)
            assert status == 200 or b"secret" not in answer.body
        for user in PEOPLE:
            headers = [("Authorization", f"Bearer {tokens.token(user, **PEOPLE[user])}")]
            answer = kept.http("GET", path, None, headers, key=None, source=raw.fresh())
            assert answer.status == 401 and b"secret" not in answer.body


# F14. -------------------------------------------------------------------------------------------

NAMES = 50_000
# Half of the channels that a connection may be in.
BATCH = 64


@pytest.mark.parametrize("namespace", ["memory", "log"])
def test_names_without_end_cost_a_bounded_little(house, namespace):
    """F14: a hundred thousand names in all, come and gone: a few hundred bytes each for the
    minute that an unused place is kept, and nothing on the disk."""
    with house.open(ROUTES + LOGS) as gate, gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        churn(ws, namespace, 0, 1024)
        store = sum(it.stat().st_size for it in (gate.folder / "data").iterdir())
        series, before, began = len(gate.metrics()), gate.rss(), time.monotonic()
        churn(ws, namespace, 1024, 1024 + NAMES)
        took, grown = time.monotonic() - began, gate.rss() - before
        assert grown / NAMES < 1024, f"{grown / NAMES:.0f} bytes a name"
        print(f"{namespace}: {NAMES / took:.0f} names/s, {grown / NAMES:.0f} bytes a name")
        until(lambda: gate.metric("tidegate_memberships") == 0)
        assert len(gate.metrics()) <= series + 4
        assert sum(it.stat().st_size for it in (gate.folder / "data").iterdir()) <= store + 65536
        # Others are served as ever.
        assert gate.publish("log:after", 1)["offset"] == 1


def churn(ws, namespace, begin, end):
    """Subscribes to names that nobody has used, and leaves them, so many in one message."""
    left = []
    for at in range(begin, end + BATCH, BATCH):
        here = [f"{namespace}:{it}" for it in range(at, min(at + BATCH, end))]
        for command, names in (("subscribe", here), ("unsubscribe", left)):
            if names:
                ws.say([{"id": 1, command: {"channel": it}} for it in names])
        for _ in here + left:
            said = ws.json()
            assert "error" not in said, said
        left = here
