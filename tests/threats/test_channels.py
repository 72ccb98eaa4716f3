"""Names, permissions and senders: C1, C3, C6."""

import itertools
import json
import re
import urllib.parse

import pytest
import raw
import tokens
from gate import API_KEYS, ROUTES, until

ASCII = [chr(it) for it in range(128)]
ODD = [
    "",
    "a" * 255,
    "a" * 256,
    "a" * 60_000,
    "a*",
    "*",
    "a:*",
    "a.>",
    ">",
    "$sys",
    "@me",
    "$MQTT.x",
    "#",
    "a:b:c",
    ":",
    "::",
    "a:",
    ":a",
    "a/../b",
    "../../etc/passwd",
    "a\r\nFLUSHALL\r\n",
    "a\0b",
    "a}{b",
    "{a}",
    "{user}",
    "a{b",
    "__keyspace@0__:x",
    "__proto__",
    "constructor",
    "user:{user}",
    "user:*",
    "' OR 1=1",
    '"',
    "\\",
    "a b",
    " a",
    "a ",
    "\ta",
    "a%20b",
    "a%2Fb",
    "%",
    "a?b",
    "a&b",
    "a=b",
    "a+b",
    "a,b",
    "a;b",
    "a|b",
    "a~b",
    "a!b",
    "a[b]",
    "a(b)",
    "a<b>",
    "<script>",
    "caf\u00e9",
    "cafe\u0301",
    "\uff41",
    "\u0430",
    "\u212a",
    "\u017f",
    "\u202eabc",
    "a\u200bb",
    "\ufeffa",
    "a\u0000",
    "\U0001f600",
    "A",
    "a.b",
    "a-b",
    "a_b",
    "a@b",
    "a$b",
    "a#b",
    "a//b",
    "/a",
    "a/",
]
NAMES = list(dict.fromkeys([f"x{it}y" for it in ASCII] + ASCII + ODD))


def is_name(text) -> bool:
    """The grammar, written once more."""
    return bool(re.fullmatch(r"[A-Za-z0-9_.:/@$#-]{1,255}", text)) and text[0] not in "$@"


def test_there_are_names_enough():
    """C1: two hundred, and some of them good."""
    assert 200 <= len(NAMES) and 60 <= sum(map(is_name, NAMES))


@pytest.mark.parametrize("command", ["subscribe", "publish", "signal", "unsubscribe"])
@pytest.mark.parametrize("is_batch", [False, True])
def test_a_name_is_one_by_grammar_alone_over_the_socket(gate, command, is_batch):
    """C1: every name in every command, alone and in a batch."""
    with gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        for index, name in enumerate(NAMES, 1):
            body = {"channel": name} | ({"data": 1} if command in ("publish", "signal") else {})
            asked = {"id": index, command: body}
            ws.say([asked] if is_batch else asked)
            said = ws.json()
            assert said["id"] == index
            code = said.get("error", {}).get("code")
            if is_name(name):
                assert code == ("NOT_SUBSCRIBED" if command == "unsubscribe" else None), (name, said)
                if command == "subscribe":
                    ws.ids = 10_000 + index
                    assert "unsubscribed" in ws.ask(unsubscribe={"channel": name})
            else:
                assert code == "BAD_CHANNEL", (name[:50], said)
        for odd in (None, 1, True, [], ["a"], {}, {"a": 1}):
            ws.ids = 20_000
            assert ws.ask(**{command: {"channel": odd, "data": 1}})["error"]["code"] != "DENIED"


def test_a_name_is_one_by_grammar_alone_over_http(gate):
    """C1: every name in publish, broadcast and the address of a channel."""
    for name in NAMES:
        expected = 200 if is_name(name) else 400
        answer = gate.http("POST", "/api/publish", {"channel": name, "data": 1})
        assert answer.status == expected, (name[:50], answer)
        if expected == 400:
            assert answer.code == "BAD_CHANNEL", (name[:50], answer)
        path = "/api/channels/" + urllib.parse.quote(name, safe="")
        if len(name) < 1000:
            answer = gate.http("GET", path)
            # A name without a letter is another address; a slash at the end makes no difference.
            assert answer.status in ((200,) if is_name(name) else (400, 404)), (name, answer)
            if answer.status == 200:
                assert answer.json["channel"] == name
    for batch in chunks(NAMES, 50):
        answer = gate.http("POST", "/api/broadcast", {"channels": batch, "data": 1})
        assert answer.status == 200, answer
        for name, result in zip(batch, answer.json["results"], strict=True):
            assert ("error" not in result) == is_name(name), (name[:50], result)


def chunks(items, count):
    return [items[at : at + count] for at in range(0, len(items), count)]


def test_a_capture_is_one_literal_part(gate):
    """C1: what stands in the path fills one part of the name, and never more than that."""
    let_in = 0
    for name in NAMES:
        if 1000 < len(name):
            continue
        target = f"/plain/{urllib.parse.quote(name, safe='')}?token={tokens.token()}"
        try:
            ws = gate.ws(target)
        except raw.Refused as refused:
            assert refused.answer.status in (400, 403, 404), (name, refused.answer)
            continue
        with ws:
            let_in += 1
            assert is_name("room:" + name), name
            assert ":" not in name and "*" not in name, name
            gate.joined(ws, "room:" + name)
            gate.publish("room:" + name, {"to": name})
            assert json.loads(ws.text()) == {"to": name}, name
    assert 50 < let_in


def test_different_names_are_different_channels(gate):
    """C1: every good name has its own members, whatever it looks like."""
    good = [it for it in NAMES if is_name(it)][:120]
    good += ["A:b", "a:B", "a:b", "a.b:c", "a/b:c"]
    with gate.ws(f"/ws?token={tokens.token()}") as ws:
        ws.json()
        good = list(dict.fromkeys(good))
        for name in good[:128]:
            assert "subscribed" in ws.ask(subscribe={"channel": name})
        for name in good[:128]:
            gate.publish(name, name)
            said = ws.json()["publication"]
            assert (said["channel"], said["data"]) == (name, name)
        assert "pong" in ws.ask(ping={})


# C3. --------------------------------------------------------------------------------------------

RULES = """
[[permissions]]
allow = ["subscribe", "publish", "signal"]
channels = ["open:*"]
[[permissions]]
deny = ["publish"]
channels = ["open:frozen"]
[[permissions]]
allow = ["subscribe", "publish", "signal"]
channels = ["staff:*"]
require = { role = ["staff", "boss"] }
[[permissions]]
deny = ["subscribe", "publish", "signal"]
channels = ["staff:board"]
require = { role = ["staff"] }
[[permissions]]
allow = ["subscribe"]
channels = ["user:{user}"]
[[permissions]]
deny = ["signal"]
channels = ["*"]
require = { muted = ["true"] }
"""
PEOPLE = {
    "ann": {},
    "bob": {"role": "staff"},
    "cid": {"role": "boss"},
    "dan": {"muted": True},
}
CHANNELS = ["open:a", "open:a:b", "open:frozen", "open", "staff:a", "staff:board", "user:ann", "user:bob"]
ACTIONS = ["subscribe", "publish", "signal"]


def may(user, action, channel) -> bool:
    """The rules above, written once more: what nothing allows is denied, and a denial wins."""
    role = PEOPLE[user].get("role")
    first, _, rest = channel.partition(":")
    allowed = denied = False
    if first == "open" and rest:
        allowed = True
        denied = channel == "open:frozen" and action == "publish"
    if first == "staff" and rest:
        allowed = role in ("staff", "boss")
        denied = channel == "staff:board" and role == "staff"
    if channel == f"user:{user}":
        allowed = action == "subscribe"
    if PEOPLE[user].get("muted") and action == "signal":
        denied = True
    return allowed and not denied


@pytest.fixture(scope="module")
def ruled(house):
    routes = ROUTES[: ROUTES.index("[[permissions]]")] + RULES
    with house.open(routes) as gate:
        yield gate


def by_query(gate, token):
    return gate.ws(f"/ws?token={token}")


def by_header(gate, token):
    return gate.ws("/ws", headers=[("Authorization", f"Bearer {token}")])


def by_protocol(gate, token):
    return gate.ws("/ws", headers=[("Sec-WebSocket-Protocol", f"tidegate.v1, bearer.{token}")])


def by_message(gate, token):
    ws = gate.ws("/ws")
    ws.say({"connect": {"token": token}})
    return ws


WAYS = [by_query, by_header, by_protocol, by_message]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_batch", [False, True])
@pytest.mark.parametrize("user", ["ann", "bob", "cid", "dan"])
def test_every_cell_of_the_matrix_is_as_the_model_says(ruled, way, is_batch, user):
    """C3: action × channel × token × how it came, and again after the answer was no."""
    token = tokens.token(user, **PEOPLE[user])
    cells = list(itertools.product(ACTIONS, CHANNELS)) * 2
    with way(ruled, token) as ws:
        assert ws.json()["connected"]["user"] == user
        asked = []
        for index, (action, channel) in enumerate(cells, 1):
            body = {"channel": channel} | ({} if action == "subscribe" else {"data": 1})
            asked.append({"id": index, action: body})
        answers = {}
        for batch in chunks(asked, 24) if is_batch else chunks(asked, 1):
            ws.say(batch if is_batch else batch[0])
            wanted = {it["id"] for it in batch}
            while wanted - answers.keys():
                said = ws.json()
                if "id" in said:
                    answers[said["id"]] = said
        for index, (action, channel) in enumerate(cells, 1):
            code = answers[index].get("error", {}).get("code")
            if may(user, action, channel):
                assert code in (None, "ALREADY_SUBSCRIBED"), (user, action, channel)
            else:
                assert code == "DENIED", (user, action, channel, answers[index])


def test_what_was_denied_is_not_delivered(ruled):
    """C3: a no is no seat: nothing of the channel comes, by whatever way it was published."""
    with by_query(ruled, tokens.token("ann")) as ws:
        ws.json()
        for channel in ("staff:a", "staff:board", "user:bob", "nowhere:x"):
            assert ws.ask(subscribe={"channel": channel})["error"]["code"] == "DENIED"
            ruled.publish(channel, "secret")
        ruled.http("POST", "/api/broadcast", {"channels": ["staff:a", "user:bob"], "data": "secret"})
        assert "pong" in ws.ask(ping={})


def test_a_newer_token_that_allows_less_takes_the_seat_away(ruled):
    """C3: permissions are asked again when the token changes."""
    with by_query(ruled, tokens.token("bob", role="staff")) as ws:
        ws.json()
        assert "subscribed" in ws.ask(subscribe={"channel": "staff:a"})
        assert "subscribed" in ws.ask(subscribe={"channel": "open:a"})
        ws.ids += 1
        ws.say({"id": ws.ids, "refresh": {"token": tokens.token("bob")}})
        while "refreshed" not in (said := ws.json()):
            assert "publication" not in said
        until(lambda: ruled.http("GET", "/api/channels/staff:a").json["members"] == 0)
        ruled.publish("staff:a", "secret")
        ruled.publish("open:a", "news")
        heard = []
        while "publication" not in (said := ws.json()):
            heard.append(said)
        assert said["publication"]["channel"] == "open:a"
        assert ws.ask(publish={"channel": "staff:a", "data": 1})["error"]["code"] == "DENIED"


def test_keys_of_backends_keep_to_their_scopes(ruled):
    """C3: endpoint × key; a token of the mightiest user is no key."""
    model = {
        ("POST", "/api/publish"): "publish",
        ("POST", "/api/broadcast"): "publish",
        ("GET", "/api/channels/open:a"): "read",
        ("POST", "/api/disconnect"): "disconnect",
    }
    bodies = {
        "/api/publish": {"channel": "open:a", "data": 1},
        "/api/broadcast": {"channels": ["open:a"], "data": 1},
        "/api/disconnect": {"user": "nobody"},
    }
    for (method, path), scope in model.items():
        for key in API_KEYS:
            answer = ruled.http(method, path, bodies.get(path), key=key)
            assert answer.status == (200 if key in (scope, "admin") else 403), (path, key)
        token = tokens.token("cid", role="boss")
        headers = [("Authorization", f"Bearer {token}")]
        answer = ruled.http(method, path, bodies.get(path), headers, key=None, source=raw.fresh())
        assert answer.status == 401


# C6. --------------------------------------------------------------------------------------------


def test_the_sender_is_whom_the_token_names(gate):
    """C6: whoever says otherwise in the command is refused, in the payload is quoted."""
    with gate.ws(f"/ws?token={tokens.token('mallory')}") as ws:
        ws.json()
        assert "subscribed" in ws.ask(subscribe={"channel": "echoes"})
        spoof = {"user": "admin", "client": "x", "ts": 0, "offset": 99, "epoch": "beef", "channel": "y"}
        ws.say({"publish": {"channel": "echoes", "data": spoof}})
        said = ws.json()["publication"]
        assert said["user"] == "mallory" and said["channel"] == "echoes" and said["offset"] == 1
        assert said["data"] == spoof
        for name, value in spoof.items():
            if name == "channel":
                continue
            for command in ("publish", "signal"):
                body = {"channel": "echoes", "data": 1, name: value}
                assert "error" in ws.ask(**{command: body}), name
            assert "error" in ws.ask(publish={"channel": "echoes", "data": 1}, **{name: value}), name
        ws.say({"signal": {"channel": "echoes", "data": {"user": "admin"}}})
        assert ws.json()["signal"]["user"] == "mallory"
        gate.publish("echoes", {"user": "mallory"})
        # What a backend says has no user, so nobody can pass for one, nor the other way round.
        assert "user" not in ws.json()["publication"]


def test_a_hostile_user_name_is_text(gate):
    """C6: names with quotes and line breaks do not become fields."""
    for user in ('a","user":"admin', "a\r\nb", "</script>", "a\\", "\u2028"):
        with gate.ws(f"/ws?token={tokens.token(user)}") as ws:
            assert ws.json()["connected"]["user"] == user
            assert "subscribed" in ws.ask(subscribe={"channel": "echoes"})
            ws.say({"publish": {"channel": "echoes", "data": 1}})
            assert ws.json()["publication"]["user"] == user
