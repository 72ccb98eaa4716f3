"""Limits at the door and on the line, and seats that come back (R27-R35, R132)."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from clients import SUBPROTOCOL, Client, Refused, connect, native, refusal
from gate import ADDRESSES, API_KEY, EXAMPLES, WITHIN, Gate, running, until
from tokens import CANARY, token

SEATS = 5


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """System N with five seats an address, and any number of attempts to get one."""
    folder = tmp_path_factory.mktemp("patient")
    text = (EXAMPLES / "notifications.toml").read_text()
    assert '"10/hour"' in text
    config = folder / "patient.toml"
    config.write_text(text.replace('"10/hour"', '"none"'))
    yield from running(Gate(config, folder, dev=True))


def test_of_ten_connections_five_are_admitted(notifications: Gate, address: str) -> None:
    """R28, R132: the surplus is refused before the upgrade, told why, and when to come back."""
    admitted, refused = [], []
    for user in (1, 2, 3, 4, 5, 6, 7, 8, 1, 2):
        try:
            admitted.append(
                connect(notifications, "/ws/notifications/", token(user), address=address)
            )
        except InvalidStatus as no:
            refused.append(no.response)
    assert len(admitted) == SEATS
    assert [it.status_code for it in refused] == [429] * 5
    assert all(b"TOO_MANY_CONNECTIONS" in it.body for it in refused)
    assert all("Retry-After" in it.headers for it in refused)
    # Those who are in stay in.
    for client in admitted:
        assert client.hear()["type"] == "notifications_list"


def test_the_eleventh_attempt_of_an_hour_is_refused(notifications: Gate, address: str) -> None:
    """R27: every attempt counts, accepted or not."""
    for attempt in range(10):
        if attempt % 3:
            connect(notifications, "/ws/notifications/", token(5), address=address).close()
        else:
            refusal(notifications, "/ws/notifications/", f"{CANARY}.a.b", address=address)
    refused = refusal(notifications, "/ws/notifications/", token(5), address=address)
    assert (refused.status, refused.code) == (429, "TOO_MANY_ATTEMPTS")
    wait = refused.body["details"]["retry_after"]
    assert 0 < wait <= 3600
    assert int(refused.headers["Retry-After"]) >= wait
    # Nobody else suffers for it.
    connect(
        notifications, "/ws/notifications/", token(5), address=ADDRESSES.fresh()
    ).close()


def test_fifty_heartbeats_are_fine_and_more_than_sixty_messages_are_not(
    notifications: Gate, address: str
) -> None:
    """R30, C3: the refusal says when to try again, and trying then works."""
    with connect(notifications, "/ws/notifications/", token(5), address=address) as sam:
        assert sam.hear()["type"] == "notifications_list"
        for _ in range(50):
            sam.say({"action": "heartbeat"})
        for _ in range(50):
            assert sam.hear()["type"] == "heartbeat_ack"

        def refused() -> dict | None:
            sam.say({"action": "heartbeat"})
            frame = sam.hear()
            return frame if frame["type"] == "error" else None

        refusals = [it for it in (refused() for _ in range(30)) if it]
        assert refusals, "80 messages within a minute, and none refused"
        assert all(it["code"] == "TOO_FAST" for it in refusals)
        wait = refusals[-1]["data"]["details"]["retry_after"]
        assert 0 < wait <= 60
        until(lambda: refused() is None, f"a heartbeat to pass after {wait} s", within=wait + 5)


def fill(gate: Gate, address: str) -> list[Client]:
    """Takes all seats of an address, with a user each."""
    path = "/ws/notifications/"
    clients = [connect(gate, path, token(it), address=address) for it in range(1, SEATS + 1)]
    for client in clients:
        assert client.hear()["type"] == "notifications_list"
    assert refusal(gate, path, token(8), address=address).code == "TOO_MANY_CONNECTIONS"
    return clients


def seat(gate: Gate, address: str) -> Client:
    """Waits for a seat to be free again, and takes it."""

    def taken() -> Client | None:
        try:
            return connect(gate, "/ws/notifications/", token(8), address=address)
        except InvalidStatus as refused:
            assert refused.response.status_code == 429
            return None

    return until(taken, "the seat to come back")


def with_a_close_frame(client: Client) -> None:
    """As a page that is closed."""
    client.close()


def with_a_reset(client: Client) -> None:
    """As a program that dies with unread bytes."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The library's own thread still reads, so the descriptor itself is taken from under it.
    os.close(client.socket.detach())


def with_a_bare_end(client: Client) -> None:
    """As a socket that is closed without a goodbye."""
    client.socket.shutdown(socket.SHUT_WR)


def with_a_broken_frame(client: Client) -> None:
    """As something that speaks another protocol (F8): a reserved bit nobody agreed on."""
    client.socket.sendall(bytes([0xF1, 0x80, 0, 0, 0, 0]))


@pytest.mark.parametrize(
    "leave", [with_a_close_frame, with_a_reset, with_a_bare_end, with_a_broken_frame]
)
def test_a_seat_comes_back(
    patient: Gate, address: str, leave: Callable[[Client], None]
) -> None:
    """R28: whatever ended the connection. The old system's counter never fell."""
    clients = fill(patient, address)
    leave(clients[2])
    with seat(patient, address):
        refused = refusal(patient, "/ws/notifications/", token(7), address=address)
        assert refused.code == "TOO_MANY_CONNECTIONS"


def test_a_seat_comes_back_from_a_client_that_was_killed(patient: Gate, address: str) -> None:
    """R28: kill -9 in another process; the kernel closes what it held."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, address, str(patient.port), token(1)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline().strip() == b"notifications_list"
        others = [
            connect(patient, "/ws/notifications/", token(it), address=address)
            for it in range(2, SEATS + 1)
        ]
        refused = refusal(patient, "/ws/notifications/", token(8), address=address)
        assert refused.code == "TOO_MANY_CONNECTIONS"
        child.send_signal(signal.SIGKILL)
        seat(patient, address).close()
        assert all(it.hear()["type"] == "notifications_list" for it in others)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


CHILD = """
import json, socket, sys
from websockets.sync.client import connect
address, port, token = sys.argv[1:]
sock = socket.create_connection(("127.0.0.1", int(port)), source_address=(address, 0))
url = f"ws://127.0.0.1:{port}/ws/notifications/?token={token}"
with connect(url, sock=sock, proxy=None) as ws:
    print(json.loads(ws.recv())["type"], flush=True)
    ws.recv(600)
"""


def test_refused_and_failed_attempts_take_no_seat(patient: Gate, address: str) -> None:
    """R28: nor does a socket that is closed in the middle of its handshake."""
    for user in (5, 6, 7):
        refused = refusal(patient, "/ws/system-health/", token(user), address=address)
        assert refused.status == 403
    for _ in range(8):
        with patient.socket(address) as sock:
            sock.sendall(f"GET /ws/notifications/?token={token(1)} HTTP/1.1\r\nHos".encode())
    fill(patient, address)


def test_everyone_who_left_is_counted_as_gone(patient: Gate, address: str) -> None:
    """R82, R100: the old system's counter only drifted up."""
    before = patient.active_connections()
    clients = fill(patient, address)
    assert patient.active_connections() == before + SEATS
    with_a_reset(clients.pop())
    with_a_bare_end(clients.pop())
    for client in clients:
        client.close()
    until(lambda: patient.active_connections() == before, "the count to fall")


def silent_socket(gate: Gate, address: str, path: str, shown: str) -> socket.socket:
    """Shakes hands by hand, and then says nothing, not even pong."""
    sock = gate.socket(address)
    sock.sendall(
        f"GET {path}?token={shown} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
    )
    head = sock.recv(4096)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return sock


def test_whoever_does_not_answer_pings_is_parted_with(channels: Gate, address: str) -> None:
    """R33, L3: and their seat comes back; whoever answers, stays."""
    before = channels.metric("tidegate_pings_timed_out_total")
    with native(channels, "/ws/watched", token("ann"), address=address) as ann:
        sock = silent_socket(channels, address, "/ws/watched", token("bob"))
        began, heard = time.monotonic(), b""
        while more := sock.recv(4096):
            heard += more
        assert 1.0 < time.monotonic() - began < WITHIN
        sock.close()
        assert b"PING_TIMEOUT" in heard and (4009).to_bytes(2, "big") in heard
        assert channels.metric("tidegate_pings_timed_out_total") == before + 1
        assert "pong" in ann.ask(ping={})
    for user in ("bob", "cat", "dan", "eve", "fay"):
        native(channels, "/ws/watched", token(user), address=address)


def test_one_user_has_so_many_connections_wherever_from(channels: Gate) -> None:
    """R29: three here, and a seat that is left is free again."""

    def ann() -> Client:
        return native(channels, "/ws/watched", token("ann"), address=ADDRESSES.fresh())

    first, *_ = ann(), ann(), ann()
    refused = refusal(
        channels, "/ws/watched", token("ann"), protocols=[SUBPROTOCOL], address=ADDRESSES.fresh()
    )
    assert (refused.status, refused.code) == (429, "TOO_MANY_FOR_USER")
    first.close()
    ann()


def test_limits_are_for_each_route(channels: Gate, address: str) -> None:
    """C3: and a limit is refused before the upgrade even where tokens are refused after it."""
    with connect(channels, "/ws/narrow", token("ann"), address=address):
        refused = refusal(channels, "/ws/narrow", token("bob"), address=address)
        assert (refused.status, refused.code) == (429, "TOO_MANY_CONNECTIONS")
        connect(channels, "/ws/plain/den", token("bob"), address=address).close()


def test_a_limit_that_only_observes_counts_what_it_would_have_refused(
    channels: Gate, address: str
) -> None:
    """R32: for tuning a limit before it hurts anyone."""
    before = channels.metric("tidegate_limit_observed_total")
    for _ in range(3):
        connect(channels, "/ws/observed", token("ann"), address=address)
    assert channels.metric("tidegate_limit_observed_total") == before + 2


def test_guessing_tokens_has_to_wait_and_nobody_else_does(channels: Gate, address: str) -> None:
    """A12, R37: not even a good token helps, until the wait is over."""

    def guess() -> Refused | None:
        refused = refusal(channels, "/ws/plain/den", f"{CANARY}.guess.ed", address=address)
        return refused if refused.status == 429 else None

    refused = until(guess, "guessing to be slowed down")
    assert refused.code == "AUTH_BACKOFF"
    assert 0 < refused.body["details"]["retry_after"] <= 60
    good = refusal(channels, "/ws/plain/den", token("ann"), address=address)
    assert good.code == "AUTH_BACKOFF"
    connect(channels, "/ws/plain/den", token("ann"), address=ADDRESSES.fresh()).close()


def test_guessing_api_keys_has_to_wait(channels: Gate, address: str) -> None:
    """A12."""

    def guess() -> bool:
        key = f"{CANARY}-of-an-api-key-that-is-long-enough"
        path = "/api/channels/room:den"
        return channels.ask("GET", path, token=key, address=address).status == 429

    until(guess, "guessing to be slowed down")
    answer = channels.ask("GET", "/api/channels/room:den", token=API_KEY, address=address)
    assert (answer.status, answer.json["code"]) == (429, "AUTH_BACKOFF")
    assert int(answer.headers["Retry-After"]) > 0
    assert channels.ask("GET", "/api/channels/room:den", token=API_KEY).status == 200


def test_a_message_that_is_too_big_ends_the_connection(channels: Gate, address: str) -> None:
    """R34, F2: by its length, before its bytes are waited for."""
    with connect(channels, "/ws/plain/den", token("ann"), address=address) as ann:
        ann.socket.sendall(bytes([0x81, 0xFF]) + (1 << 62).to_bytes(8, "big") + b"\0\0\0\0")
        assert ann.hear_end().code == 1009


def test_a_handshake_that_is_not_finished_is_ended(channels: Gate, address: str) -> None:
    """R33, H7: five seconds for all of it, however slowly it trickles in."""
    with channels.socket(address) as sock:
        began = time.monotonic()
        sock.sendall(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        heard = sock.recv(4096)
        took = time.monotonic() - began
    assert heard.startswith(b"HTTP/1.1 408 ") and b"HANDSHAKE_LATE" in heard, heard
    assert 4 < took < 8
