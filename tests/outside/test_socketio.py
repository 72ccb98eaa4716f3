"""Socket.IO, met by Python's client: the dialect is the protocol's and not one library's."""

import json
import queue
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio

from conftest import CONFIGS
from gate import WITHIN, Gate, running, until
from tokens import CANARY, token

WAYS = (["websocket"], ["polling"], ["polling", "websocket"])


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One with two shards, where every route leads to the echo application."""
    yield from running(Gate(CONFIGS / "socketio.toml", tmp_path_factory.mktemp("socketio")))


class Person:
    """A client, and what it has heard."""

    def __init__(self, gate: Gate, user: int, way: list[str], **how: Any) -> None:
        self.heard: queue.Queue[tuple[str, tuple[Any, ...]]] = queue.Queue()
        self.refused: queue.Queue[Any] = queue.Queue()
        self.requests = requests.Session()
        self.client = socketio.Client(
            reconnection_delay=0.1, randomization_factor=0, http_session=self.requests
        )
        namespaces = how.pop("namespaces", ["/"])
        for namespace in namespaces:
            self.client.on("*", self._hear, namespace=namespace)
            self.client.on("connect_error", self.refused.put, namespace=namespace)
        auth = how.pop("auth", {"token": f"Bearer {token(user)}"})
        self.client.connect(
            f"http://127.0.0.1:{gate.port}",
            auth=auth,
            transports=way,
            namespaces=namespaces,
            # Whoever is refused is not connected, however long one waits.
            wait=not how.pop("is_refused", False),
            wait_timeout=WITHIN,
            **how,
        )

    def _hear(self, name: str, *values: Any) -> Any:
        self.heard.put((name, values))
        return values[0] if name == "ask" else None

    def leaves(self) -> None:
        """Says that it leaves, and keeps nothing open."""
        self.client.disconnect()
        self.requests.close()

    def hears(self, name: str) -> tuple[Any, ...]:
        """The next event, which has to have this name."""
        heard = self.heard.get(timeout=WITHIN)
        assert heard[0] == name, heard
        return heard[1]


@pytest.mark.parametrize("way", WAYS, ids="+".join)
def test_events_come_back_with_their_values_and_acknowledgements(
    gate: Gate, way: list[str]
) -> None:
    """Text, numbers, bytes, and several values at once."""
    person = Person(gate, 1, way)
    for values in (("ä",), ({"n": 1.5, "deep": [None, True]}, 2), (b"\x00\xff",), ({"of": b"\x01"},)):
        answer = person.client.call("greet", values, timeout=WITHIN)
        assert tuple(answer if isinstance(answer, (list, tuple)) else [answer]) == values
        assert person.hears("greet") == values
    person.leaves()


@pytest.mark.parametrize("way", WAYS, ids="+".join)
def test_the_server_asks_and_is_answered(gate: Gate, way: list[str]) -> None:
    """Acknowledgements the other way round."""
    person = Person(gate, 1, way)
    person.client.emit("ask", "how high")
    assert person.hears("ask") == ("how high",)
    assert person.hears("answered") == ("how high",)
    person.leaves()


@pytest.mark.parametrize("way", WAYS, ids="+".join)
def test_namespaces_and_several_clients_hear_what_is_theirs(gate: Gate, way: list[str]) -> None:
    """Each namespace is a member by itself, and hears each publication once."""
    both = Person(gate, 71, way, namespaces=["/", "/side"])
    other = Person(gate, 72, way)
    gate.publish("room:all", {"n": 1}, event="tide")
    gate.publish("user:71", {"n": 2})
    assert [both.heard.get(timeout=WITHIN) for _ in range(4)] == [
        ("tide", ({"n": 1},)), ("tide", ({"n": 1},)),
        ("for you", ({"n": 2},)), ("for you", ({"n": 2},)),
    ]
    assert other.hears("tide") == ({"n": 1},)
    for person in (both, other):
        person.leaves()


@pytest.mark.parametrize("way", WAYS, ids="+".join)
def test_whoever_shows_no_good_token_hears_why(gate: Gate, way: list[str]) -> None:
    """CONNECT_ERROR, in words and with a code."""
    for auth, code in ((None, "AUTH_REQUIRED"), ({"token": "no.such.token"}, "INVALID_TOKEN")):
        person = Person(gate, 1, way, auth=auth, is_refused=True)
        error = person.refused.get(timeout=WITHIN)
        assert error["message"].startswith("Authentication failed"), error
        assert error["data"]["code"] == code
        person.leaves()


def test_after_a_restart_it_comes_back_by_itself(gate: Gate) -> None:
    """The transport is dropped without a DISCONNECT, which this client would take for good."""
    person = Person(gate, 1, ["websocket"])
    dropped = person.client.eio.ws
    gate.signal(signal.SIGTERM)
    assert gate.wait() == 0
    gate.start()
    until(lambda: person.client.connected or None, "it to be back")
    # Which it forgets itself.
    dropped.shutdown()
    assert person.client.call("still", "here", timeout=WITHIN) == "here"
    person.leaves()


def test_one_line_guesses_no_longer_than_many_handshakes_would(tmp_path: Path) -> None:
    """A12: a CONNECT that brings a bad token is a failed handshake, on whatever is open already."""
    for gate in running(Gate(CONFIGS / "socketio.toml", tmp_path)):
        where = f"http://127.0.0.1:{gate.port}/few/?EIO=4&transport=polling"
        with requests.Session() as line:
            sid = json.loads(line.get(where, timeout=WITHIN).text[1:])["sid"]
            where += f"&sid={sid}"

            def knock(shown: str) -> str:
                told = line.post(where, f'40{{"token":"{shown}"}}', timeout=WITHIN)  # noqa: B023
                assert told.text == "ok", told.text
                answer = line.get(where, timeout=WITHIN).text  # noqa: B023
                assert answer.startswith("44"), answer
                return str(json.loads(answer[2:])["data"]["code"])

            codes = [knock(f"{CANARY}.guess.{number}") for number in range(50)]
            assert codes[0] == "INVALID_TOKEN"
            assert codes[-1] == "AUTH_BACKOFF", codes
            assert knock(token(1)) == "AUTH_BACKOFF"
