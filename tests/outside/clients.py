"""Clients: the `websockets` library, with the noise taken out of it."""

import asyncio
import json
import reprlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as open_async_connection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_connection
from websockets.typing import Origin, Subprotocol

from gate import WITHIN, Gate

SUBPROTOCOL = "tidegate.v1"

# A failure shows what was heard, and not a screen full of one long frame.
_short = reprlib.Repr()
_short.maxlist, _short.maxdict, _short.maxlevel, _short.maxstring = 20, 12, 6, 120
shown = _short.repr


@dataclass(frozen=True)
class Refused:
    """A no before the upgrade."""

    status: int
    headers: Headers
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The code's name."""
        return str(self.body["code"])


@dataclass(frozen=True)
class Closed:
    """How a connection ended: the number, the reason, and what was heard before."""

    code: int
    reason: str
    frames: list[Any]


T = TypeVar("T")


class TlsConnection:
    """The library's asyncio client, in a thread of its own, used like its other one.

    That other one reads and writes in two threads, which Python's TLS sockets do not bear: one
    handshake in three hundred never sends its request.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, gate: Gate, url: str, sock: socket.socket, **how: Any) -> None:
        async def opened() -> AsyncConnection:
            return await open_async_connection(
                url, sock=sock, ssl=gate.tls(), server_hostname="127.0.0.1", **how
            )

        sock.setblocking(False)
        self.socket = sock
        self._connection = self._run(opened())

    @property
    def subprotocol(self) -> str | None:
        """What was agreed upon."""
        return self._connection.subprotocol

    def recv(self, timeout: float) -> str | bytes:
        """The next message."""
        return self._run(asyncio.wait_for(self._connection.recv(), timeout))

    def send(self, message: str | bytes) -> None:
        """Sends a message."""
        self._run(self._connection.send(message))

    def close(self) -> None:
        """Leaves with a close frame."""
        self._run(self._connection.close())

    @classmethod
    def _run(cls, what: Coroutine[Any, Any, T]) -> T:
        if cls._loop is None:
            cls._loop = asyncio.new_event_loop()
            threading.Thread(target=cls._loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(what, cls._loop).result()


class Client:
    """One open connection that speaks JSON."""

    def __init__(self, connection: ClientConnection | TlsConnection) -> None:
        self.connection = connection
        self._ids = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def socket(self) -> socket.socket:
        """What is underneath."""
        return self.connection.socket

    def close(self) -> None:
        """Leaves with a close frame and waits for the answer."""
        self.connection.close()

    def say(self, message: Any) -> None:
        """Sends JSON; text as it is."""
        self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def hear(self, within: float = WITHIN) -> Any:
        """The next frame."""
        try:
            return json.loads(self.connection.recv(within))
        except TimeoutError:
            raise AssertionError(f"heard nothing for {within} s") from None
        except ConnectionClosed as closed:
            raise AssertionError(f"closed instead of saying something: {closed}") from closed

    def hear_kind(self, kind: str, within: float = WITHIN) -> Any:
        """The next frame of this type; others are passed over."""
        return self.hear_where(lambda it: it.get("type") == kind, f"a {kind}", within)

    def hear_where(
        self, is_it: Callable[[Any], bool], what: str = "a frame", within: float = WITHIN
    ) -> Any:
        """The next frame that fits; others are passed over."""
        deadline, passed = time.monotonic() + within, []
        while time.monotonic() < deadline:
            try:
                frame = self.hear(max(0.01, deadline - time.monotonic()))
            except AssertionError as fault:
                raise AssertionError(f"{fault}; wanted {what}, heard {shown(passed)}") from None
            if is_it(frame):
                return frame
            passed.append(frame)
        raise AssertionError(f"wanted {what}, heard {shown(passed)}")

    def hear_end(self, within: float = WITHIN) -> Closed:
        """Everything up to the end of the connection, and how it ended."""
        deadline, frames = time.monotonic() + within, []
        try:
            while True:
                left = max(0.01, deadline - time.monotonic())
                frames.append(json.loads(self.connection.recv(left)))
        except TimeoutError:
            raise AssertionError(f"still open after {within} s, heard {shown(frames)}") from None
        except ConnectionClosed as closed:
            said = closed.rcvd
            return Closed(said.code if said else 1006, said.reason if said else "", frames)

    # The native dialect

    def ask(self, **command: Any) -> Any:
        """Sends a command with a number and returns the reply that has it."""
        self._ids += 1
        number = self._ids
        self.say({"id": number} | command)
        return self.hear_where(lambda it: it.get("id") == number, f"the reply to {shown(command)}")


def connect(
    gate: Gate,
    path: str,
    token: str | None = None,
    *,
    address: str = "127.0.0.1",
    bearer: str | None = None,
    headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    protocols: Sequence[str] = (),
    through: Callable[[socket.socket], None] | None = None,
) -> Client:
    """Opens a connection. `token` is the query's; `through` may write to the socket before.

    Raises `InvalidStatus` if refused before the upgrade; see `refusal`.
    """
    sent = dict(headers or {})
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    sock = gate.socket(address)
    if through is not None:
        through(sock)
    url = gate.url(path, token)
    options: dict[str, Any] = {
        "additional_headers": sent,
        "origin": None if origin is None else Origin(origin),
        "subprotocols": [Subprotocol(it) for it in protocols] or None,
        "compression": None,
        "ping_interval": None,
        "open_timeout": WITHIN,
        "close_timeout": WITHIN,
        "proxy": None,
        # What nobody listens to must not keep a goodbye from being heard.
        "max_queue": None,
    }
    connection: ClientConnection | TlsConnection
    if gate.trusting is None:
        # `legacy`: returns the connection, for tests that hold several at once.
        connection = open_connection(url, sock=sock, legacy=True, **options)
    else:
        connection = TlsConnection(gate, url, sock, **options)
    client = Client(connection)
    _open.append(client)
    return client


def close_all() -> None:
    """Leaves whatever a test has left open, so that the next one finds its seats free."""
    while _open:
        _open.pop().close()


_open: list[Client] = []


def refusal(gate: Gate, path: str, token: str | None = None, **how: Any) -> Refused:
    """Connects and must be refused before the upgrade, with JSON as body (R56, R58)."""
    try:
        client = connect(gate, path, token, **how)
    except InvalidStatus as refused:
        response = refused.response
        body = json.loads(response.body or b"null")
        assert set(body) >= {"code", "message"}, f"{response.status_code}: {body}"
        return Refused(response.status_code, response.headers, body)
    client.close()
    raise AssertionError(f"{path} was admitted")


def native(gate: Gate, path: str, token: str | None = None, **how: Any) -> Client:
    """Opens a connection of the native dialect and hears the welcome."""
    client = connect(gate, path, token, protocols=[SUBPROTOCOL], **how)
    assert client.connection.subprotocol == SUBPROTOCOL
    assert "connected" in client.hear()
    return client
