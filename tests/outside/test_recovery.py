"""Connection state recovery, where it takes a while: a client hears an answer in any case."""

import contextlib
import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from conftest import CONFIGS
from gate import API_KEY, WITHIN, Gate, running, until
from tokens import token


@pytest.fixture()
def gate(tmp_path: Path) -> Iterator[Gate]:
    """One in whose channels everything is kept."""
    yield from running(Gate(CONFIGS / "recovery.toml", tmp_path))


class Line:
    """Socket.IO by hand: one frame after the other."""

    def __init__(self, gate: Gate, **auth: Any) -> None:
        url = f"ws://127.0.0.1:{gate.port}/socket.io/?EIO=4&transport=websocket"
        self.socket = connect(url, legacy=True)
        assert self.socket.recv(WITHIN)[0] == "0"
        self.socket.send("40" + json.dumps(auth))

    def hears(self) -> tuple[str, Any]:
        """The next packet that is no ping: its kind, and what it says."""
        while True:
            text = str(self.socket.recv(WITHIN))
            if text == "2":
                self.socket.send("3")
                continue
            return text[:2], json.loads(text[2:])


@contextlib.contextmanager
def locked(gate: Gate) -> Iterator[None]:
    """Somebody else writes to the store, so that it has to wait."""
    file = gate.folder / "data" / "tidegate.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


def test_who_is_disconnected_while_it_recovers_hears_so(gate: Gate) -> None:
    first = Line(gate, token=token(31))
    kind, told = first.hears()
    assert kind == "40"
    gate.publish("log:1", 1)
    kind, (_, _, offset) = first.hears()
    assert kind == "42"
    # Then no home knows its logs any more, and each has to ask the store.
    gate.signal(signal.SIGTERM)
    gate.wait()
    gate.start()
    first.socket.close()
    with locked(gate):
        second = Line(gate, token=token(31), pid=told["pid"], offset=offset)

        def is_live() -> bool:
            answer = gate.ask("GET", "/api/sessions?user=31", token=API_KEY)
            return [it["state"] for it in answer.json["sessions"]] == ["live"]

        until(is_live, "its session to be its own")
        ended = gate.ask("POST", "/api/disconnect", {"user": "31"}, token=API_KEY)
        assert ended.status == 200
        kind, error = second.hears()
    assert (kind, error["data"]["code"]) == ("44", "DISCONNECTED")
    second.socket.close()
