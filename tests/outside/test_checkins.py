"""System G: what its own tests assert, and what its client needs and never got."""

import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from clients import Client, connect, refusal
from gate import ADDRESSES, EXAMPLES, Gate, running
from tokens import CANARY, token

PATH = "/ws/checkins/"
ADMIN, STAFF, TRAINER, MEMBER = 1001, 1002, 1003, 1004

# Members by number who are out at the start; each test that moves someone takes the next.
OUT = iter([5, 7, 9, 11, 12, 14, 15, 16, 17, 18, 19, 20, 2, 3, 6, 10])


@pytest.fixture
def number() -> Iterator[str]:
    """The membership number of someone nobody else checks in."""
    yield f"GYM-{next(OUT):04}"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gate]:
    """A gym that a test has to itself, and may end."""
    yield from running(Gate(EXAMPLES / "checkins.toml", tmp_path, dev=True))


class Screen:
    """A page with a dashboard, which comes back with the token it has, as the client does."""

    def __init__(self, gate: Gate, user: int, address: str | None = None) -> None:
        self.gate, self.address = gate, address or ADDRESSES.fresh()
        self.token = token(user)
        self.client = self._come()

    def _come(self) -> Client:
        client = connect(self.gate, PATH, self.token, address=self.address)
        assert client.hear()["type"] == "initial_stats"
        return client

    def returns(self) -> list[tuple[str, str, str | None]]:
        """Comes back, and tells what was heard before the answer to a first heartbeat."""
        self.client = self._come()
        self.client.say({"type": "heartbeat"})
        heard = []
        while (frame := self.client.hear())["type"] != "heartbeat_ack":
            it = frame["payload"]
            heard.append((frame["type"], it["id"], it.get("status")))
        return heard


def told_again(*changes: tuple[str, str]) -> list[tuple[str, str, str | None]]:
    """What a dashboard hears of visits that began (`in`) or ended (`out`) while it was away."""
    frames = []
    for visit, way in changes:
        frames.append((f"member_checked_{way}", visit, None))
        frames.append(("check_in_update", visit, f"checked_{way}"))
    return frames


def at_desk(gate: Gate, user: int = STAFF, address: str | None = None) -> Client:
    """A dashboard that has heard its first frame."""
    client = connect(gate, PATH, token(user), address=address or ADDRESSES.fresh())
    assert client.hear()["type"] == "initial_stats"
    return client


def members(gate: Gate, search: str) -> list[dict]:
    """As the desk's list shows them."""
    answer = gate.ask("GET", f"/api/members/?search={search}", token=token(STAFF))
    assert answer.status == 200, answer
    return list(answer.json["results"])


def check_in(client: Client, number: str) -> dict:
    """Checks someone in; tells the check-in."""
    client.say({"type": "check_in", "data": {"memberId": number}})
    return dict(client.hear_kind("check_in_success")["payload"])


def is_moment(text: str) -> bool:
    """ISO 8601 with a zone."""
    return datetime.fromisoformat(text).tzinfo is not None


@pytest.mark.parametrize("path", [PATH, "/ws/checkins", "/ws/checkins/front_desk/"])
def test_the_first_frame_is_the_stats(checkins: Gate, address: str, path: str) -> None:
    """R14, R42, R80, C5: slash or not, room or not."""
    with connect(checkins, path, token(STAFF), address=address) as desk:
        frame = desk.hear()
    assert frame["type"] == "initial_stats"
    stats = frame["payload"]
    assert set(stats) == {"currentlyIn", "todayTotal", "averageStayMinutes", "timestamp"}
    assert all(type(stats[it]) is int for it in set(stats) - {"timestamp"})
    assert is_moment(stats["timestamp"])


def test_a_check_in_is_told_to_its_sender_first_then_to_all(checkins: Gate, number: str) -> None:
    """R78, R81: two clients both hear it; both in the form its client accepts."""
    with at_desk(checkins) as here, at_desk(checkins, ADMIN) as there:
        said = {"memberId": number, "location": "Pool", "notes": "Forgot the towel."}
        here.say({"type": "check_in", "data": said})
        success, told = here.hear(), here.hear()
        assert (success["type"], told["type"]) == ("check_in_success", "member_checked_in")
        assert there.hear() == told
        it = told["payload"]
        assert it == success["payload"]
        assert uuid.UUID(it["id"]) and uuid.UUID(it["member"]["id"])
        assert all(type(it["member"][name]) is str for name in ("full_name", "membership_type"))
        assert (it["location"], it["notes"]) == ("Pool", "Forgot the towel.")
        assert is_moment(it["check_in_time"])

        here.say({"type": "check_out", "data": {"checkInId": it["id"]}})
        success = here.hear_kind("check_out_success")
        assert success["payload"]["check_out_time"] is not None
        for client in (here, there):
            assert client.hear_kind("member_checked_out")["payload"] == success["payload"]


def test_a_check_out_right_after_the_news_is_the_next_thing_heard(
    checkins: Gate, number: str
) -> None:
    """R78: its tests expect nothing between `member_checked_in` and `check_out_success`."""
    with at_desk(checkins) as desk:
        desk.say({"type": "check_in", "payload": {"member_id": number}})
        assert desk.hear()["type"] == "check_in_success"
        it = desk.hear()
        assert it["type"] == "member_checked_in"
        desk.say({"type": "check_out", "payload": {"check_in_id": it["payload"]["id"]}})
        assert desk.hear()["type"] == "check_out_success"
        assert desk.hear()["type"] == "member_checked_out"


def test_everyone_sees_the_house_change(checkins: Gate, number: str) -> None:
    """R79, R80: under every name that some screen listens to."""
    with at_desk(checkins) as here, at_desk(checkins, TRAINER) as there:
        there.say({"type": "reconnect"})
        before = there.hear_kind("initial_stats")["payload"]
        it = check_in(here, number)
        heard = {}
        while len(heard) < 5:
            frame = there.hear()
            heard[frame["type"]] = frame["payload"]
        assert set(heard) == {
            "member_checked_in",
            "check_in_update",
            "activity_notification",
            "check_in_stats",
            "stats_update",
        }
        assert heard["check_in_stats"]["currentlyIn"] == before["currentlyIn"] + 1
        assert heard["check_in_stats"]["todayTotal"] == before["todayTotal"] + 1
        assert heard["stats_update"] == heard["check_in_stats"]

        # The three forms in one: an event, an event in an envelope, and stats.
        update = heard["check_in_update"]
        assert (update["id"], update["type"]) == (it["id"], "check_in")
        assert (update["status"], update["check_out_time"]) == ("checked_in", None)
        assert update["checkIn"]["id"] == it["id"]
        assert update["currentlyIn"] == before["currentlyIn"] + 1

        activity = heard["activity_notification"]
        assert (activity["type"], activity["activity"]) == ("member_activity", "check_in")
        assert activity["member"]["id"] == it["member"]["id"]


@pytest.mark.parametrize("key", ["data", "payload"])
@pytest.mark.parametrize("spelling", ["camel", "snake"])
@pytest.mark.parametrize("by", ["id", "barcode"])
def test_every_spelling_its_clients_use_is_understood(
    checkins: Gate, key: str, spelling: str, by: str
) -> None:
    """C6: the old server read `payload`, its client sent `data`, and so nobody ever came in."""
    names = {"camel": ("memberId", "checkInId"), "snake": ("member_id", "check_in_id")}
    member_name, visit_name = names[spelling]
    someone = next(it for it in members(checkins, "") if it["check_in_id"] is None)
    with at_desk(checkins) as desk:
        said = {member_name: someone[by], "timestamp": "2026-01-01T00:00:00Z"}
        desk.say({"type": "check_in", key: said})
        it = desk.hear()
        assert it["type"] == "check_in_success", it
        assert it["payload"]["member"]["id"] == someone["id"]
        desk.say({"type": "check_out", key: {visit_name: it["payload"]["id"]}})
        assert desk.hear_kind("check_out_success")["payload"]["check_out_time"]


def test_a_member_nobody_knows(checkins: Gate) -> None:
    """R57: its client shows `payload.error`."""
    with at_desk(checkins) as desk:
        desk.say({"type": "check_in", "data": {"memberId": str(uuid.uuid4())}})
        frame = desk.hear()
        assert (frame["type"], frame["payload"]["error"]) == ("check_in_error", "Member not found")
        desk.say({"type": "check_in", "data": {}})
        assert desk.hear()["type"] == "check_in_error"


def test_nobody_is_in_twice_and_nobody_leaves_twice(checkins: Gate, number: str) -> None:
    """R57."""
    with at_desk(checkins) as desk:
        it = check_in(desk, number)
        desk.say({"type": "check_in", "data": {"memberId": number}})
        error = desk.hear_kind("check_in_error")["payload"]["error"]
        assert error == f"{it['member']['full_name']} is already checked in"
        gone = "Check-in not found or already checked out"
        for expected in ["check_out_success", "check_out_error"]:
            desk.say({"type": "check_out", "data": {"checkInId": it["id"]}})
            frame = desk.hear_kind(expected)
        assert frame["payload"]["error"] == gone
        desk.say({"type": "check_out", "data": {"checkInId": str(uuid.uuid4())}})
        assert desk.hear_kind("check_out_error")["payload"]["error"] == gone


def test_two_desks_check_in_one_member_and_one_of_them_does(checkins: Gate, number: str) -> None:
    """R81: at the same time."""
    with at_desk(checkins) as here, at_desk(checkins, ADMIN) as there:
        for desk in (here, there):
            desk.say({"type": "check_in", "data": {"memberId": number}})
        kinds = ("check_in_success", "check_in_error")
        heard = [desk.hear_where(lambda it: it["type"] in kinds)["type"] for desk in (here, there)]
        assert sorted(heard) == ["check_in_error", "check_in_success"]


@pytest.mark.parametrize("user", [TRAINER, MEMBER])
def test_roles_are_looked_at(checkins: Gate, user: int) -> None:
    """R16, A10: the old server let anyone check in anyone."""
    with at_desk(checkins, user) as client:
        client.say({"type": "check_in", "data": {"memberId": "GYM-0005", "role": "admin"}})
        frame = client.hear_kind("check_in_error")
        assert frame["payload"]["code"] == "DENIED"


def test_a_member_checks_in_themself(checkins: Gate) -> None:
    """R16."""
    with at_desk(checkins, MEMBER) as mina:
        it = check_in(mina, "GYM-0001")
        assert it["member"]["full_name"] == "Mina Park"
        mina.say({"type": "check_out", "data": {"checkInId": it["id"]}})
        mina.hear_kind("check_out_success")


def test_a_heartbeat_is_acknowledged_and_a_ping_answered(checkins: Gate) -> None:
    """C9."""
    with at_desk(checkins) as desk:
        desk.say({"type": "heartbeat", "timestamp": 1_700_000_000_000})
        frame = desk.hear_kind("heartbeat_ack")
        assert "payload" not in frame and is_moment(frame["timestamp"])
        desk.say({"type": "ping"})
        desk.hear_kind("pong")


def test_fifty_heartbeats_in_less_than_five_seconds(checkins: Gate) -> None:
    """C3, R34: its own load test."""
    with at_desk(checkins) as desk:
        began = time.monotonic()
        for _ in range(50):
            desk.say({"type": "heartbeat"})
        for _ in range(50):
            desk.hear_kind("heartbeat_ack")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{not json", "Invalid JSON format"),
        ("", "Invalid JSON format"),
        ("[]", "type"),
        ({"data": {}}, "type"),
        ({"type": "dance"}, "dance"),
        ({"type": "batch", "batches": 7}, ""),
        ({"type": "batch", "batches": {"heartbeat": [{}] * 51}}, "50"),
        ({"type": "authenticate", "payload": {"token": "t"}}, "not supported. Use URL token."),
        ({"type": "auth", "data": {"token": "t"}}, "not supported. Use URL token."),
    ],
)
def test_nonsense_is_answered_in_both_forms(checkins: Gate, said: object, message: str) -> None:
    """R12, C7, C9: flat as documented, and as the `payload` without which no handler runs."""
    with at_desk(checkins) as desk:
        desk.say(said)
        frame = desk.hear_kind("error")
        assert message in frame["message"], frame
        assert frame["payload"]["message"] == frame["message"]
        assert frame["payload"]["code"] == frame["code"]
        desk.say({"type": "heartbeat"})
        desk.hear_kind("heartbeat_ack")


def test_a_batch_is_done_item_by_item(checkins: Gate, number: str) -> None:
    """R52: in the order written, one bad item not spoiling the others."""
    with at_desk(checkins) as desk:
        desk.say({
            "type": "batch",
            "batches": {
                "heartbeat": [{}, {}],
                "check_in": [{"memberId": number}, {"memberId": "nobody"}],
                "ping": [{}],
            },
            "metadata": {"count": 5, "timestamp": 1, "compression": "grouped"},
        })
        news = ("member_checked_in", "check_in_update", "activity_notification")
        heard = []
        while len(heard) < 5:
            kind = desk.hear()["type"]
            if kind not in news and "stats" not in kind:
                heard.append(kind)
        assert heard == [
            "heartbeat_ack",
            "heartbeat_ack",
            "check_in_success",
            "check_in_error",
            "pong",
        ]


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (None, "AUTH_REQUIRED"),
        ("", "AUTH_REQUIRED"),
        (f"{CANARY}.not.valid", "INVALID_TOKEN"),
        (lambda: token(STAFF, ttl=-1), "TOKEN_EXPIRED"),
        (lambda: token(STAFF, token_type="refresh"), "INVALID_TOKEN"),
        (lambda: token("no:channel"), "AUTH_FAILED"),
    ],
)
def test_a_bad_token_is_told_after_the_upgrade_with_4001(
    checkins: Gate, address: str, shown: object, code: str
) -> None:
    """R13: so that its client stops trying; the last frame says why in JSON (R55, R58)."""
    shown = shown() if callable(shown) else shown
    with connect(checkins, PATH, shown, address=address) as client:  # type: ignore[arg-type]
        end = client.hear_end()
    assert (end.code, len(end.frames)) == (4001, 1)
    last = end.frames[0]
    assert (last["type"], last["code"], last["payload"]["code"]) == ("error", code, code)
    assert end.reason == last["message"]


def test_a_removed_user_is_parted_with_and_stays_out(checkins: Gate, address: str) -> None:
    """R6, A9: until an admin restores them, whatever their token says."""

    def tell(method: str, path: str) -> None:
        answer = checkins.ask(method, f"/api/checkins/users/{path}/", token=token(ADMIN))
        assert answer.status == 204, answer

    with connect(checkins, PATH, token("gone"), address=address) as gone:
        assert gone.hear()["type"] == "initial_stats"
        tell("DELETE", "gone")
        assert gone.hear_end().code == 4001
    with connect(checkins, PATH, token("gone", role="admin"), address=address) as gone:
        end = gone.hear_end()
    assert (end.code, end.frames[0]["code"]) == (4001, "AUTH_FAILED")
    tell("POST", "gone/restore")
    with connect(checkins, PATH, token("gone"), address=address) as back:
        assert back.hear()["type"] == "initial_stats"


def test_a_token_may_say_who_is_staff(checkins: Gate, number: str) -> None:
    """R6, R16: the issuer's word is enough, and without it a newcomer moves nobody."""
    said = {"type": "check_in", "data": {"memberId": number}}
    for shown, kind in [
        (token("new-member"), "check_in_error"),
        (token("new-staff", role="staff"), "check_in_success"),
    ]:
        with connect(checkins, PATH, shown, address=ADDRESSES.fresh()) as client:
            assert client.hear()["type"] == "initial_stats"
            client.say(said)
            client.hear_kind(kind)


def test_only_the_address_may_bring_the_token(checkins: Gate, address: str) -> None:
    """R12, R11: not a header, not a message."""
    with connect(checkins, PATH, bearer=token(STAFF), address=address) as client:
        assert client.hear_end().code == 4001


def test_a_token_that_ends_closes_the_connection_with_4001(checkins: Gate, address: str) -> None:
    """A8, R7: in this client's own words."""
    with connect(checkins, PATH, token(STAFF, ttl=2), address=address) as client:
        end = client.hear_end()
    assert (end.code, end.frames[-1]["code"]) == (4001, "TOKEN_EXPIRED")


def test_ten_connections_of_one_address_are_fine_and_an_eleventh_is_not(
    checkins: Gate, address: str
) -> None:
    """C3, C2: limits are refused before the upgrade, or this client would come back for ever."""
    users = (ADMIN, STAFF, TRAINER)
    desks = [at_desk(checkins, users[index % 3], address) for index in range(10)]
    refused = refusal(checkins, PATH, token(STAFF), address=address)
    assert (refused.status, refused.code) == (429, "TOO_MANY_CONNECTIONS")
    for desk in desks:
        desk.say({"type": "heartbeat"})
    for desk in desks:
        desk.hear_kind("heartbeat_ack")


def test_an_origin_nobody_listed_is_refused_before_the_upgrade(
    checkins: Gate, address: str
) -> None:
    """R36, H1."""
    refused = refusal(
        checkins, PATH, token(STAFF), address=address, origin="http://evil.example"
    )
    assert (refused.status, refused.code) == (403, "ORIGIN_REFUSED")


def test_what_is_done_here_shows_over_http_and_the_other_way_round(
    checkins: Gate, number: str
) -> None:
    """R44, R78: `WS check-in visible through REST`."""
    staff = token(STAFF)
    with at_desk(checkins) as desk:
        it = check_in(desk, number)
        listed = checkins.ask("GET", "/api/checkins/", token=staff).json["results"]
        assert it["id"] in [visit["id"] for visit in listed]
        desk.hear_kind("member_checked_in")

        path = f"/api/checkins/{it['id']}/check-out/"
        answer = checkins.ask("POST", path, {"notes": "by phone"}, token=staff)
        assert answer.status == 200, answer
        assert desk.hear_kind("member_checked_out")["payload"]["id"] == it["id"]

        answer = checkins.ask("POST", "/api/checkins/", {"memberId": number}, token=staff)
        assert answer.status == 201, answer
        assert desk.hear_kind("member_checked_in")["payload"]["id"] == answer.json["id"]


def test_stats_can_be_polled_while_the_socket_is_down(checkins: Gate) -> None:
    """R60: where its client polls them, and with a token (R54)."""
    for path in ["/api/checkins/stats/", "/checkins/stats/"]:
        stats = checkins.ask("GET", path, token=token(STAFF)).json
        assert set(stats) >= {"currentlyIn", "todayTotal", "averageStayMinutes"}
        assert checkins.ask("GET", path).status == 401


def test_a_burst_reaches_every_dashboard_complete_and_in_order(checkins: Gate) -> None:
    """R34, R81: 48 changes by one desk while five watch, each heard once."""
    with at_desk(checkins, ADMIN) as desk:
        watchers = [at_desk(checkins, TRAINER, "127.8.0.1") for _ in range(5)]
        free = [it for it in members(checkins, "") if it["check_in_id"] is None]
        expected = []
        for _ in range(24):
            it = check_in(desk, free[0]["barcode"])
            desk.say({"type": "check_out", "data": {"checkInId": it["id"]}})
            desk.hear_kind("check_out_success")
            expected += [("member_checked_in", it["id"]), ("member_checked_out", it["id"])]
        for watcher in watchers:
            heard = []
            while len(heard) < len(expected):
                frame = watcher.hear()
                if frame["type"] in ("member_checked_in", "member_checked_out"):
                    heard.append((frame["type"], frame["payload"]["id"]))
            assert heard == expected


def test_a_dashboard_that_was_cut_off_is_told_what_it_missed(own: Gate) -> None:
    """R79, R81: by socket and over HTTP, in order, each once, before anything newer; and nobody
    else is told twice: not the tab that stayed, not another user at the same address."""
    address = ADDRESSES.fresh()
    cut, stays = Screen(own, STAFF, address), Screen(own, STAFF, address)
    watcher = Screen(own, TRAINER, address)
    cut.client.socket.shutdown(socket.SHUT_RDWR)

    with at_desk(own, ADMIN) as desk:
        first = check_in(desk, "GYM-0005")["id"]
        body = {"memberId": "GYM-0007"}
        second = own.ask("POST", "/api/checkins/", body, token=token(ADMIN)).json["id"]
        desk.say({"type": "check_out", "data": {"checkInId": first}})
        desk.hear_kind("check_out_success")
        # All of it has been told to all who are there.
        for client in (desk, stays.client, watcher.client):
            client.hear_where(
                lambda it: it["type"] == "check_in_update" and it["payload"]["type"] == "check_out"
            )
            client.hear_kind("stats_update")

        missed = told_again((first, "in"), (second, "in"), (first, "out"))
        assert cut.returns() == missed
        newer = check_in(desk, "GYM-0009")["id"]
        for client in (cut.client, stays.client, watcher.client):
            assert client.hear_kind("member_checked_in")["payload"]["id"] == newer

    # A page of somebody else's, and one of the same user at another desk, begin with the stats.
    for user in (TRAINER, STAFF):
        assert Screen(own, user).returns() == []


def test_a_dashboard_that_moved_is_known_by_its_token(own: Gate) -> None:
    """R79: from the cable to the mobile network."""
    screen = Screen(own, STAFF)
    screen.client.close()
    with at_desk(own, ADMIN) as desk:
        visit = check_in(desk, "GYM-0005")["id"]
        desk.hear_kind("stats_update")
    screen.address = ADDRESSES.fresh()
    assert screen.returns() == told_again((visit, "in"))


def test_of_a_long_absence_the_newest_hundred_are_told(own: Gate) -> None:
    """R34, R79: what is older is in the history over HTTP."""
    screen = Screen(own, STAFF)
    screen.client.close()
    happened: list[tuple[str, str]] = []
    staff = token(ADMIN)
    for _ in range(55):
        body = {"memberId": "GYM-0005"}
        visit = own.ask("POST", "/api/checkins/", body, token=staff).json["id"]
        own.ask("POST", f"/api/checkins/{visit}/check-out/", token=staff)
        happened += [(visit, "in"), (visit, "out")]
    with at_desk(own, TRAINER) as desk:
        body = {"memberId": "GYM-0007"}
        last = own.ask("POST", "/api/checkins/", body, token=staff).json["id"]
        desk.hear_where(lambda it: it["type"] == "check_in_update" and it["payload"]["id"] == last)
        desk.hear_kind("stats_update")
    assert screen.returns() == told_again(*[*happened, (last, "in")][-100:])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_was_there_or_away_when_it_ended_misses_nothing(
    own: Gate, how: signal.Signals
) -> None:
    """R79, L7: a restart, or `kill -9`, at the moment a check-in was confirmed. What was on the
    way may be told twice, by the same id; but not in one return, and not to a stranger."""
    away, there, nobody = Screen(own, STAFF), Screen(own, TRAINER), Screen(own, ADMIN)
    staff = token(STAFF)
    visits = []
    for number in ("GYM-0005", "GYM-0007"):
        away.client.close()
        answer = own.ask("POST", "/api/checkins/", {"memberId": number}, token=staff)
        visits.append(answer.json["id"])
        own.signal(how)
        assert own.wait() == (0 if how == signal.SIGTERM else -how)
        own.start()
        told = away.returns()
        assert set(told_again((visits[-1], "in"))) <= set(told)
        assert len(set(told)) == len(told), "in one return, each once"
        live = [it["payload"].get("id") for it in there.client.hear_end().frames]
        assert visits[-1] in live + [it[1] for it in there.returns()]
    assert {it["id"] for it in history(own)} >= set(visits)
    # One who was there through none of it is told nothing of it.
    assert Screen(own, ADMIN).returns() == []
    assert nobody.client.hear_end().code == (1012 if how == signal.SIGTERM else 1006)


def history(gate: Gate) -> list[dict]:
    """The newest visits."""
    answer = gate.ask("GET", "/api/checkins/?page_size=100", token=token(STAFF))
    assert answer.status == 200, answer
    return list(answer.json["results"])


def test_everyone_agrees_on_who_is_in_however_many_change_it_at_once(own: Gate) -> None:
    """R79, R80, R81: two desks and two scripts move the same four people, each as fast as they
    can. Every dashboard hears every change once, and ends with the same house."""
    screens = [Screen(own, user) for user in (STAFF, ADMIN, TRAINER, MEMBER)]
    people = [f"GYM-{number:04}" for number in (5, 7, 9, 11)]
    done: list[tuple[str, str]] = []
    workers = [
        threading.Thread(target=move_all, args=(own, how, people, done))
        for how in (by_socket, by_http, by_socket, by_http)
    ]
    for it in workers:
        it.start()
    for it in workers:
        it.join(60)
        assert not it.is_alive()
    assert 24 <= len(done)
    stay = by_http(own)
    done += [(str(stay("in", number)), "in") for number in people[:2]]

    really_in = {it["id"] for it in members(own, "GYM-") if it["check_in_id"]}
    stats = own.ask("GET", "/api/checkins/stats/", token=token(STAFF)).json
    for screen in screens:
        announced: list[tuple[str, str]] = []
        updated: list[dict] = []
        last: dict = {}
        while len(announced) < len(done) or len(updated) < len(done) or not last:
            frame = screen.client.hear()
            kind, payload = frame["type"], frame["payload"]
            if kind in ("member_checked_in", "member_checked_out"):
                announced.append((payload["id"], kind.removeprefix("member_checked_")))
            elif kind == "check_in_update":
                updated.append(payload)
            last = payload if kind == "stats_update" and len(updated) == len(done) else {}
        assert sorted(announced) == sorted(done)
        status = {it["member"]["id"]: it["status"] for it in updated}
        for member, is_now in status.items():
            assert (is_now == "checked_in") == (member in really_in)
        assert last["currentlyIn"] == stats["currentlyIn"] == len(really_in)


def move_all(gate: Gate, how, people: list[str], done: list[tuple[str, str]]) -> None:
    """Lets each in, and out again whoever was let in; writes down what was confirmed."""
    move = how(gate)
    for _ in range(6):
        mine = []
        for number in people:
            visit = move("in", number)
            if visit:
                mine.append(visit)
                done.append((visit, "in"))
        for visit in mine:
            assert move("out", visit) == visit
            done.append((visit, "out"))


def by_socket(gate: Gate):
    """As a desk does."""
    client = connect(gate, PATH, token(STAFF), address=ADDRESSES.fresh())

    def move(way: str, what: str) -> str | None:
        name = "memberId" if way == "in" else "checkInId"
        client.say({"type": f"check_{way}", "data": {name: what}})
        ours = (f"check_{way}_success", f"check_{way}_error")
        frame = client.hear_where(lambda it: it["type"] in ours)
        return frame["payload"].get("id")

    return move


def by_http(gate: Gate):
    """As a script does."""
    staff = token(ADMIN)

    def move(way: str, what: str) -> str | None:
        path, body = ("", {"memberId": what}) if way == "in" else (f"{what}/check-out/", None)
        answer = gate.ask("POST", f"/api/checkins/{path}", body, token=staff)
        assert answer.status in (200, 201, 409), answer
        return answer.json.get("id")

    return move


def test_a_member_known_by_a_token_alone_checks_in_themself(checkins: Gate) -> None:
    """R16: staff say whose token a new member has, before that token was ever here."""
    body = {"full_name": "Noor Haddad", "email": "noor@example.com", "user_id": "noor"}
    for shown, status in [(token(TRAINER), 403), (token(STAFF), 201), (token(STAFF), 400)]:
        answer = checkins.ask("POST", "/api/members/", body, token=shown)
        assert answer.status == status, answer
        number = answer.json.get("membership_number", "")
        with connect(checkins, PATH, token("noor"), address=ADDRESSES.fresh()) as noor:
            assert noor.hear()["type"] == "initial_stats"
            if status == 201:
                visit = check_in(noor, number)
                assert visit["member"]["full_name"] == "Noor Haddad"
                noor.say({"type": "check_out", "data": {"checkInId": visit["id"]}})
                noor.hear_kind("check_out_success")
