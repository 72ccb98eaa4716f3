"""A crowd that uses a gateway which dies under it, comes back, and tells a judge what it learned.

Everyone lives through many lives of the process. `live` is one of them: it ends when the connection
does, and remembers what has to be said again and from where to go on.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from clients import SUBPROTOCOL
from gate import API_KEY, WITHIN, Gate
from history import (
    Confirmed,
    Found,
    Heard,
    Judge,
    Marked,
    Place,
    Revoked,
    Shown,
    Stood,
    Told,
    key_of,
)
from tokens import token

PATH = "/ws/native"
# What a client meets whose process is killed at any moment.
GONE = (ConnectionClosed, InvalidHandshake, OSError, EOFError, http.client.HTTPException)
# Commands of one publisher that are under way at once, and messages between two acknowledgements.
UNDER_WAY, ACK_EVERY = 8, 5


@contextlib.asynccontextmanager
async def socket(gate: Gate, shown: str, session: str = "") -> AsyncIterator[ClientConnection]:
    """An open connection of the native dialect."""
    url = gate.url(PATH, shown) + (f"&session={session}" if session else "")
    connection = await open_connection(
        url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        ping_interval=None,
        proxy=None,
        max_queue=None,
        open_timeout=WITHIN,
        close_timeout=0.1,
    )
    try:
        yield connection
    finally:
        # Nobody says goodbye here: it would end the session.
        connection.transport.abort()


def frames(text: str | bytes) -> list[tuple[str, Any, int | None]]:
    """A frame: its kind, what it holds, and the number of the command it answers."""
    frame = json.loads(text)
    number = frame.pop("id", None)
    return [(kind, body, number) for kind, body in frame.items()]


class Line:
    """HTTP on one connection that is kept."""

    def __init__(self, gate: Gate) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=WITHIN)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What is answered; it has to be a yes."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        self._line.request(method, path, text, headers)
        answer = self._line.getresponse()
        said = answer.read()
        assert answer.status == 200, (method, path, answer.status, said)
        return json.loads(said)

    def close(self) -> None:
        """Leaves."""
        self._line.close()


Saying = tuple[tuple[str, ...], str]


class Publisher:
    """Says things with a key each, and again what nobody has confirmed.

    The last thing that was confirmed is said again too: it must still have its place.
    """

    def __init__(self, name: str, judge: Judge, channels: Sequence[str], seed: int) -> None:
        self.name, self.judge, self.channels = name, judge, channels
        self.random = random.Random(seed)
        # By key: to which channels, and what.
        self.open: dict[str, Saying] = {}
        self.last: Saying | None = None
        self.said_again = 0
        self._numbers = itertools.count()

    def again(self) -> list[Saying]:
        """What has to be said again in this life."""
        found = list(self.open.values())
        self.said_again += len(found)
        return found if self.last is None else [*found, self.last]

    def next(self, channel_count: int = 1) -> Saying:
        """Something that was never said."""
        data = f"{self.name}-{next(self._numbers)} {'x' * self.random.randrange(200)}"
        return tuple(self.random.sample(self.channels, channel_count)), data

    def begin(self, saying: Saying) -> str:
        """It is under way. Tells its key."""
        key = key_of(saying[1])
        self.open[key] = saying
        return key

    def confirmed(self, saying: Saying, places: Sequence[Place]) -> None:
        """It has its place in each channel."""
        assert tuple(it.channel for it in places) == saying[0], (saying, places)
        for place in places:
            self.judge.hear(Confirmed(place, saying[1]))
        self.open.pop(key_of(saying[1]), None)
        self.last = saying


class Backend(Publisher):
    """Publishes over HTTP, one request at a time, and sometimes to several channels at once."""

    async def live(self, gate: Gate) -> None:
        """Until the process is gone."""
        line = Line(gate)
        try:
            for saying in self.again():
                await self.publish(line, saying)
            while True:
                await self.publish(line, self.next(3 if self.random.random() < 0.2 else 1))
        except GONE:
            return
        finally:
            line.close()

    async def publish(self, line: Line, saying: Saying) -> None:
        """To one channel, or to several on several shards."""
        channels, data = saying
        body: dict[str, Any] = {"data": data, "idempotency_key": self.begin(saying)}
        if len(channels) == 1:
            said = [await line.ask("POST", "/api/publish", body | {"channel": channels[0]})]
        else:
            told = await line.ask("POST", "/api/broadcast", body | {"channels": channels})
            said = [it["result"] for it in told["results"]]
        pairs = zip(channels, said, strict=True)
        places = [Place(channel, it["epoch"], it["offset"]) for channel, it in pairs]
        self.confirmed(saying, places)


class Talker(Publisher):
    """Publishes over a socket, several messages at a time."""

    async def live(self, gate: Gate) -> None:
        """Until the process is gone."""
        asked: dict[int, Saying] = {}
        with contextlib.suppress(*GONE):
            async with socket(gate, token(self.name)) as connection:
                with contextlib.suppress(*GONE):
                    await self.talk(connection, asked)
                # What had arrived before the end counts.
                while True:
                    self.hear(await connection.recv(), asked)

    async def talk(self, connection: ClientConnection, asked: dict[int, Saying]) -> None:
        """Says one thing after another, with so many under way."""
        waiting = self.again()
        for number in itertools.count():
            asked[number] = waiting.pop(0) if waiting else self.next()
            (channel,), data = asked[number]
            body = {"channel": channel, "data": data, "key": self.begin(asked[number])}
            await connection.send(json.dumps({"id": number, "publish": body}))
            while UNDER_WAY <= len(asked):
                self.hear(await connection.recv(), asked)

    def hear(self, text: str | bytes, asked: dict[int, Saying]) -> None:
        """One frame, which has to be the welcome or a yes."""
        for kind, body, number in frames(text):
            if kind == "connected":
                continue
            assert kind == "published" and number is not None, text
            place = Place(body["channel"], body["epoch"], body["offset"])
            self.confirmed(asked.pop(number), [place])


class Listener:
    """Subscribes, remembers the last place of each channel, and goes on from there."""

    def __init__(self, name: str, judge: Judge, channels: Sequence[str]) -> None:
        self.name, self.judge, self.channels = name, judge, channels
        self.places: dict[str, Place] = {}
        self.since: Mapping[str, Place] = {}

    async def live(self, gate: Gate) -> None:
        """Until the process is gone."""
        try:
            async with socket(gate, token(self.name)) as connection:
                await self.enter(connection, json.loads(await connection.recv())["connected"])
                async for text in connection:
                    for kind, body, number in frames(text):
                        await self.hear(connection, kind, body, number)
        except GONE:
            return

    async def enter(self, connection: ClientConnection, welcome: Any) -> None:
        """Takes its seats, each from the place it has."""
        self.since = dict(self.places)
        asked = []
        for number, channel in enumerate(self.channels):
            body: dict[str, Any] = {"channel": channel}
            if channel in self.since and not channel.startswith("user:"):
                body["since"] = named(self.since[channel])
            asked.append({"id": number, "subscribe": body})
        await connection.send(json.dumps(asked))

    async def hear(
        self, connection: ClientConnection, kind: str, body: Any, number: int | None
    ) -> None:
        """One frame."""
        assert kind not in ("error", "gap", "closing"), (self.name, kind, body)
        if kind == "subscribed":
            self.stood(body)
        if kind == "publication":
            place = Place(body["channel"], body["epoch"], body["offset"])
            self.judge.hear(Heard(self.name, place, body["data"]))
            self.places[place.channel] = place

    def stood(self, body: Any) -> None:
        """A seat, and from where on it hears."""
        place = Place(body["channel"], body["epoch"], body["offset"])
        since = None if place.channel.startswith("user:") else self.since.get(place.channel)
        self.judge.hear(Stood(self.name, place, since, body.get("recovered")))
        self.places[place.channel] = place
        if "delivered" in body:
            told = Told(self.name, place.channel, body["delivered"], body["read"])
            self.judge.hear(told)

    def has(self, heads: Mapping[str, Place]) -> bool:
        """Whether it has heard all there is."""
        return all(self.places.get(it) == heads[it] for it in self.channels)


class Returner(Listener):
    """Takes its seats by `resume`, and now and then loses a connection that is well."""

    def __init__(self, name: str, judge: Judge, channels: Sequence[str], seed: int) -> None:
        super().__init__(name, judge, channels)
        self.random = random.Random(seed)
        self.session = ""
        self.resumed = 0
        self.stays_for = 0

    async def live(self, gate: Gate) -> None:
        """Until the process is gone; a connection that is lost before is opened again."""
        self.stays_for = -1
        while self.stays_for:
            self.stays_for = self.random.randrange(20, 400)
            with contextlib.suppress(Lost):
                await self.once(gate)

    async def once(self, gate: Gate) -> None:
        """One connection, with the session of the one before."""
        try:
            async with socket(gate, token(self.name), self.session) as connection:
                await self.enter(connection, json.loads(await connection.recv())["connected"])
                async for text in connection:
                    for kind, body, number in frames(text):
                        await self.hear(connection, kind, body, number)
        except GONE:
            self.stays_for = 0

    async def enter(self, connection: ClientConnection, welcome: Any) -> None:
        """Resumes the session, or does the same with a new one."""
        self.session = welcome["session"]
        if not self.places:
            await super().enter(connection, welcome)
            return
        self.resumed += "resumed" in welcome
        self.since = dict(self.places)
        since = {channel: named(it) for channel, it in self.since.items()}
        body = {"session": self.session, "since": since}
        await connection.send(json.dumps({"id": 0, "resume": body}))

    async def hear(
        self, connection: ClientConnection, kind: str, body: Any, number: int | None
    ) -> None:
        """One frame; after so many publications the network is gone."""
        await super().hear(connection, kind, body, number)
        if kind == "resumed":
            assert sorted(body["channels"]) == sorted(self.channels)
        if kind == "publication":
            self.stays_for -= 1
            if self.stays_for == 0:
                self.stays_for = -1
                raise Lost


class Lost(Exception):
    """The network is gone, and the gateway is not."""


class Reader(Listener):
    """Acknowledges its mail, and notes in rooms how far it has read."""

    def __init__(self, name: str, judge: Judge, rooms: Sequence[str]) -> None:
        super().__init__(name, judge, [f"user:{name}", *rooms])
        self.unsaid: dict[str, int] = {}

    async def hear(
        self, connection: ClientConnection, kind: str, body: Any, number: int | None
    ) -> None:
        """One frame; after some publications it says that it has them."""
        await super().hear(connection, kind, body, number)
        if kind == "marked":
            marked = Marked(self.name, body["channel"], body["delivered"], body["read"])
            self.judge.hear(marked)
        if kind == "publication":
            channel = body["channel"]
            self.unsaid[channel] = self.unsaid.get(channel, 0) + 1
            if self.unsaid[channel] == ACK_EVERY:
                self.unsaid[channel] = 0
                command = "ack" if channel.startswith("user:") else "read"
                mark = {"channel": channel, "offset": body["offset"]}
                await connection.send(json.dumps({"id": 1000, command: mark}))


class Operator:
    """Revokes a token in each life, and shows all tokens in the next."""

    def __init__(self, judge: Judge, seed: int) -> None:
        self.judge, self.random = judge, random.Random(seed)
        self.tokens: dict[str, str] = {}

    async def live(self, gate: Gate) -> None:
        """Makes a token, uses it, and revokes it at some moment; then looks on until the end."""
        jti = f"jti-{len(self.tokens)}"
        self.tokens[jti] = token("mallory", jti=jti)
        line = Line(gate)
        try:
            await self.show(gate, jti)
            for _ in range(self.random.randrange(30)):
                await line.ask("GET", "/api/channels/lobby")
            await line.ask("POST", "/api/revoke", {"jti": jti})
            self.judge.hear(Revoked(jti))
            while True:
                await line.ask("GET", "/api/channels/lobby")
        except GONE:
            return
        finally:
            line.close()

    async def show_all(self, gate: Gate) -> None:
        """Every token there was."""
        for jti in self.tokens:
            await self.show(gate, jti)

    async def show(self, gate: Gate, jti: str) -> None:
        """Shows a token at the door."""
        try:
            async with socket(gate, self.tokens[jti]):
                self.judge.hear(Shown(jti, refused=False))
        except InvalidStatus as refused:
            assert refused.response.status_code == 401, refused
            self.judge.hear(Shown(jti, refused=True))


def named(place: Place) -> dict[str, Any]:
    """A place as a client names it."""
    return {"epoch": place.epoch, "offset": place.offset}


def find(gate: Gate, channel: str, after: int) -> Found:
    """All of a log from there on, over HTTP."""
    items: list[tuple[int, str]] = []
    line = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=WITHIN)
    at = after
    while True:
        path = f"/api/channels/{channel}/history?after={at}&limit=1000"
        line.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}"})
        answer = line.getresponse()
        page = json.loads(answer.read())
        assert answer.status == 200, page
        items += [(it["offset"], it["data"]) for it in page["items"]]
        at = items[-1][0] if items else after
        if page["head"] <= at or not page["items"]:
            line.close()
            return Found(channel, page["epoch"], page["first"], page["head"], after, items)


def tell_cursor(gate: Gate, judge: Judge, user: str, channel: str) -> None:
    """How far a user has come, over HTTP."""
    path = f"/api/channels/{channel}/cursors/{user}"
    told = gate.ask("GET", path, token=API_KEY)
    assert told.status == 200, told
    judge.hear(Told(user, channel, told.json["delivered"], told.json["read"]))
