"""The chat, met by Python's Socket.IO client and over plain HTTP."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import socketio

from gate import EXAMPLES, WITHIN, Gate, running
from tokens import token


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The example, as it is."""
    yield from running(Gate(EXAMPLES / "chat.toml", tmp_path_factory.mktemp("chat")))


def shown(user: str) -> str:
    """A token of this user."""
    return token(user, sub=user, name=user.title())


class Person:
    """A client, and what it has heard."""

    def __init__(self, gate: Gate, user: str) -> None:
        self.user = user
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.requests = requests.Session()
        # It would make up an Origin from the address, whose port is not in the example.
        options = {"suppress_origin": True}
        self.client = socketio.Client(http_session=self.requests, websocket_extra_options=options)
        self.client.on("*", lambda name, value=None, *_: self.heard.put((name, value)))
        self.client.connect(
            f"http://127.0.0.1:{gate.port}",
            auth={"token": f"Bearer {shown(user)}", "userId": user},
            transports=["websocket"],
            wait_timeout=WITHIN,
        )
        self.hears("connection:success")

    def leaves(self) -> None:
        """Says that it leaves, and keeps nothing open."""
        self.client.disconnect()
        self.requests.close()

    def hears(self, name: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The value of the next event of this name that fits; those before it are passed over."""
        while True:
            heard, value = self.heard.get(timeout=WITHIN)
            if heard == name and fits(value):
                return value

    def says(self, event: str, value: Any) -> Any:
        """What the server acknowledges with."""
        return self.client.call(event, value, timeout=WITHIN)


def test_two_people_write_type_and_read(gate: Gate) -> None:
    """R43, R75 to R77."""
    ann, bob = Person(gate, "ann"), Person(gate, "bob")
    made = ann.says("channel:create", {"name": "den", "type": "PRIVATE", "memberIds": ["bob"]})
    assert made["success"] is True
    channel = made["data"]["id"]
    bob.hears("channel:created", lambda it: it["id"] == channel)

    assert bob.says("typing:start", {"channelId": channel})["success"] is True
    assert ann.hears("user:typing")["isTyping"] is True
    sent = bob.says("message:send", {"channelId": channel, "content": "ahoy", "tempId": "t1"})
    assert ann.hears("user:typing")["isTyping"] is False, "it ends with the message"
    assert ann.hears("message:created")["message"]["content"] == "ahoy"
    assert ann.says("message:read", {"messageId": sent["data"]["id"]})["success"] is True
    assert bob.hears("message:status")["status"] == "READ"

    ann.leaves()
    assert bob.hears("user:offline")["userId"] == "ann"
    bob.leaves()


def test_a_private_channel_is_no_strangers(gate: Gate) -> None:
    """R16, over both ways in."""
    ann, cay = Person(gate, "ann"), Person(gate, "cay")
    channel = ann.says("channel:create", {"name": "den", "type": "PRIVATE"})["data"]["id"]
    ann.says("message:send", {"channelId": channel, "content": "psst"})
    for event in ("channel:join", "join_channel", "typing:start"):
        assert cay.says(event, {"channelId": channel}) == {
            "success": False,
            "error": "Access denied to channel",
        }
    for path in ("", "/members", "/messages"):
        answer = gate.ask("GET", f"/api/chat/channels/{channel}{path}", token=shown("cay"))
        assert answer.status == 403, path
    ann.leaves()
    cay.leaves()


def test_the_endpoints_ask_for_a_token(gate: Gate) -> None:
    """R54."""
    for path in ("channels", "channels/1", "channels/1/messages", "messages/1/replies", "users"):
        answer = gate.ask("GET", f"/api/chat/{path}")
        assert answer.status == 401, path
        assert answer.json["code"] == "AUTH_REQUIRED"
