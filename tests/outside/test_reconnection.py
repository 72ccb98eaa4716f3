"""Stories of several people and several lives of the process (R24, R65, R66, R128, R130, R131)."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from clients import Client, connect, native
from gate import ADDRESSES, EXAMPLES, Gate, running, until
from tokens import token

STAFF, SAM, UMA, ADA = 1001, 5, 7, 1


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Gate]:
    """Both systems and the native dialect in one process that a test may end."""
    yield from running(Gate(EXAMPLES / "demo.toml", tmp_path, dev=True))


def at_desk(gate: Gate, user: int = STAFF) -> Client:
    """A dashboard that has heard its first frame."""
    client = connect(gate, "/ws/checkins/", token(user))
    assert client.hear()["type"] == "initial_stats"
    return client


def at_inbox(gate: Gate, user: int) -> tuple[Client, list[str]]:
    """A user with the ids of what is unread."""
    client = connect(gate, "/ws/notifications/", token(user))
    return client, [it["id"] for it in client.hear()["data"]]


def send(gate: Gate, user: int, title: str) -> str:
    """A notification by the administrator; tells its id."""
    draft = {"title": title, "message": "m", "recipient_type": "user", "recipient_id": user}
    answer = gate.ask("POST", "/api/notifications/", draft, token=token(ADA, role="Admin"))
    assert answer.status == 201, answer
    return str(answer.json["id"])


def visits(gate: Gate) -> dict[str, str]:
    """All check-ins of the house with their status."""
    found, page = {}, 1
    while True:
        path = f"/api/checkins/?page={page}&page_size=100"
        told = gate.ask("GET", path, token=token(STAFF)).json
        found |= {it["id"]: it["status"] for it in told["results"]}
        if told["next"] is None:
            return found
        page += 1


def restarted(gate: Gate, how: signal.Signals) -> None:
    """Ends the process and starts it again at the same address, on the same data."""
    gate.signal(how)
    code = gate.wait()
    assert code == (0 if how == signal.SIGTERM else -how), gate.log()[-2000:]
    gate.start()


def test_clients_are_told_to_come_back_and_find_everything(demo: Gate) -> None:
    """R65, R128, L2, C11: a restart in the middle of a day; 1012 is what each client retries on."""
    desk, (sam, _) = at_desk(demo), at_inbox(demo, SAM)
    ann = native(demo, "/ws", token("ann"))
    desk.say({"type": "check_in", "data": {"memberId": "GYM-0005"}})
    visit = desk.hear_kind("check_in_success")["payload"]["id"]
    first = send(demo, SAM, "before the restart")
    assert sam.hear_kind("notification")["data"]["id"] == first
    sam.say({"action": "mark_read", "notification_id": first})
    sam.hear_kind("notifications_list")
    second = send(demo, SAM, "not read yet")

    restarted(demo, signal.SIGTERM)
    for client in (desk, sam, ann):
        assert client.hear_end().code in (1001, 1012)

    desk, (sam, unread) = at_desk(demo), at_inbox(demo, SAM)
    assert second in unread and first not in unread
    assert visits(demo)[visit] == "checked_in"
    desk.say({"type": "check_out", "data": {"checkInId": visit}})
    assert desk.hear_kind("check_out_success")["payload"]["id"] == visit


def test_what_was_confirmed_survives_kill_9(demo: Gate) -> None:
    """L7, R128: under load, at a moment of nobody's choosing, several times over.

    Whatever a client was told had happened has happened after the restart.
    """
    confirmed: dict[str, str] = {}
    sent: list[str] = []
    moments = random.Random(7)
    for _ in range(4):
        workers = [
            threading.Thread(target=churn, args=(demo, confirmed, number)) for number in (7, 9)
        ]
        workers.append(threading.Thread(target=send_on, args=(demo, sent)))
        enough = len(confirmed) + len(sent) + 20
        for it in workers:
            it.start()
        until(lambda it=enough: it < len(confirmed) + len(sent), "work to be confirmed")
        # Some moment of the work, not the end of a piece of it.
        time.sleep(moments.uniform(0, 0.05))
        demo.kill()
        for it in workers:
            it.join(15)
        demo.start()
        found = visits(demo)
        lost = {it: status for it, status in confirmed.items() if found.get(it) is None}
        assert not lost, f"confirmed and not there: {lost}"
        undone = [
            it for it, status in confirmed.items()
            if status == "checked_out" and found[it] != "checked_out"
        ]
        assert not undone, f"confirmed to have left and still in: {undone}"
        kept = {it["id"] for it in newest(demo)}
        assert set(sent[-100:]) <= kept


def churn(gate: Gate, confirmed: dict[str, str], number: int) -> None:
    """Checks one member in and out until the line breaks; writes down what was confirmed."""
    try:
        desk = at_desk(gate)
        visit = None
        while True:
            if visit is None:
                desk.say({"type": "check_in", "data": {"memberId": f"GYM-{number:04}"}})
                reply = desk.hear_where(lambda it: it["type"].startswith("check_in_"))
                while reply["type"] not in ("check_in_success", "check_in_error"):
                    reply = desk.hear()
                if reply["type"] == "check_in_error":
                    # In since the life before; whose id was perhaps never told.
                    visit = next(
                        it["check_in_id"]
                        for it in gate.ask(
                            "GET", f"/api/members/?search=GYM-{number:04}", token=token(STAFF)
                        ).json["results"]
                    )
                    continue
                visit = reply["payload"]["id"]
                confirmed[visit] = "checked_in"
            else:
                desk.say({"type": "check_out", "data": {"checkInId": visit}})
                desk.hear_kind("check_out_success")
                confirmed[visit] = "checked_out"
                visit = None
    except (AssertionError, ConnectionClosed, OSError, EOFError, ValueError):
        return


def send_on(gate: Gate, sent: list[str]) -> None:
    """Sends notifications until nobody answers."""
    while True:
        try:
            sent.append(send(gate, UMA, f"number {len(sent)}"))
        except (OSError, ValueError, AssertionError):
            return
        except Exception as fault:  # noqa: BLE001: http.client has a dozen for a broken line
            if type(fault).__module__ != "http.client":
                raise
            return


def newest(gate: Gate) -> list[dict]:
    """Uma's newest hundred."""
    answer = gate.ask("GET", "/api/notifications/", token=token(UMA, role="Student"))
    return list(answer.json["results"])


def test_a_crowd_comes_back_after_a_crash_and_everyone_works(demo: Gate) -> None:
    """R66, L1: forty clients that retry as clients do; all are back, and a push reaches each."""
    crowd = 40

    def come() -> Client:
        address = ADDRESSES.fresh()

        def admitted() -> Client | None:
            try:
                return connect(demo, "/ws/notifications/", token(SAM), address=address)
            except (OSError, InvalidStatus, EOFError):
                return None

        client = until(admitted, "a connection")
        assert client.hear()["type"] == "notifications_list"
        return client

    first = [come() for _ in range(crowd)]
    demo.kill()
    assert {it.hear_end().code for it in first} == {1006}
    back: list[Client] = []
    workers = [threading.Thread(target=lambda: back.append(come())) for _ in range(crowd)]
    for it in workers:
        it.start()
    demo.start()
    for it in workers:
        it.join(30)
    assert len(back) == crowd
    sent = send(demo, SAM, "are you all there?")
    assert [it.hear_kind("notification")["data"]["id"] for it in back] == [sent] * crowd
    until(lambda: demo.active_connections() == crowd, "the count to be right")


def test_people_of_both_systems_work_side_by_side(demo: Gate) -> None:
    """R81, R130: each hears what is theirs, and only that."""
    desk = at_desk(demo)
    (sam, _), (uma, _) = at_inbox(demo, SAM), at_inbox(demo, UMA)
    native_sam = native(demo, "/ws", token(str(SAM)))
    native_sam.ask(subscribe={"channel": "news:today"})
    desk.say({"type": "check_in", "data": {"memberId": "GYM-0011"}})
    desk.hear_kind("check_in_success")
    to_uma = send(demo, UMA, "for uma")
    to_sam = send(demo, SAM, "for sam")
    demo.publish("news:today", "for readers")
    assert uma.hear()["data"]["id"] == to_uma
    assert sam.hear()["data"]["id"] == to_sam
    assert native_sam.hear()["publication"]["data"] == "for readers"
    heard = desk.hear_where(lambda it: it["type"] == "stats_update", "the stats")
    assert heard["payload"]["currentlyIn"] == 4
