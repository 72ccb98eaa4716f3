"""System N at work: its four routes, its roles, its pushes, its HTTP endpoints."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import Client, connect, refusal
from gate import ADDRESSES, EXAMPLES, Gate, running
from tokens import token

ADA, DORA, ALAN, GRACE, SAM, TESS, UMA, VIKTOR = range(1, 9)
ROLES = {ADA: "Admin", DORA: "DepartmentAdmin", ALAN: "Advisor", GRACE: "Advisor"}


def signed(user: int, **claims) -> str:
    """As the login of System N issues it, with the role."""
    return token(user, role=ROLES.get(user, "Student"), **claims)


def come(gate: Gate, path: str, user: int) -> Client:
    """Connects as this user, from an address of their own."""
    return connect(gate, path, signed(user), address=ADDRESSES.fresh())


def at_inbox(gate: Gate, user: int) -> Client:
    """A user with their list already heard."""
    client = come(gate, "/ws/notifications/", user)
    assert client.hear()["type"] == "notifications_list"
    return client


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gate]:
    """A system that a test has to itself, and may end."""
    yield from running(Gate(EXAMPLES / "notifications.toml", tmp_path, dev=True))


def unread(gate: Gate, user: int) -> list[str]:
    """The ids in the first frame of a user who comes."""
    with come(gate, "/ws/notifications/", user) as client:
        frame = client.hear()
    assert frame["type"] == "notifications_list"
    return [it["id"] for it in frame["data"]]


def send(gate: Gate, by: int, **draft) -> dict:
    """Sends a notification over HTTP as producers do."""
    draft = {"title": "Tide at six", "message": "Bring boots."} | draft
    answer = gate.ask("POST", "/api/notifications/", draft, token=signed(by))
    assert answer.status == 201, answer
    return dict(answer.json)


def test_the_first_frame_is_the_list_of_what_is_unread(notifications: Gate) -> None:
    """C5, R74: at most ten, newest first, with every field the client reads."""
    with come(notifications, "/ws/notifications/", SAM) as sam:
        frame = sam.hear()
    assert set(frame) == {"type", "data"}
    assert 1 <= len(frame["data"]) <= 10
    ids = [int(it["id"]) for it in frame["data"]]
    assert ids == sorted(ids, reverse=True)
    for it in frame["data"]:
        assert set(it) >= {"id", "title", "message", "type", "priority", "timestamp", "read"}
        assert set(it) >= {"action_url", "action_text", "recipient_type", "recipient_id"}
        assert it["read"] is False and isinstance(it["id"], str)


def test_the_root_is_an_alias(notifications: Gate, address: str) -> None:
    """C8: a client that was given an address without a path dials `/?token=`."""
    with connect(notifications, "/", signed(SAM), address=address) as sam:
        assert sam.hear()["type"] == "notifications_list"


def test_a_slash_at_the_end_makes_no_difference(notifications: Gate) -> None:
    """C8."""
    with come(notifications, "/ws/notifications", SAM) as sam:
        assert sam.hear()["type"] == "notifications_list"


def test_there_are_four_routes_and_no_fifth(notifications: Gate, address: str) -> None:
    """R41."""
    refused = refusal(notifications, "/ws/elsewhere/", signed(ADA), address=address)
    assert refused.status == 404


def test_get_notifications_is_answered_with_the_list(notifications: Gate) -> None:
    """R50: with one's own, whatever `userId` comes with it (A10)."""
    with at_inbox(notifications, SAM) as sam:
        sam.say({"action": "get_notifications", "userId": str(TESS)})
        frame = sam.hear()
    assert frame["type"] == "notifications_list"
    assert all(it["recipient_id"] in ("5", "Student", None) for it in frame["data"])


def test_a_push_reaches_its_user_and_nobody_else(notifications: Gate) -> None:
    """R73, R81, C5: both of the user's windows, and not the neighbour's."""
    with (
        at_inbox(notifications, UMA) as one,
        at_inbox(notifications, UMA) as two,
        at_inbox(notifications, VIKTOR) as other,
    ):
        sent = send(notifications, ADA, recipient_type="user", recipient_id=UMA, priority="urgent")
        for window in (one, two):
            frame = window.hear()
            assert frame["type"] == "notification"
            assert frame["data"]["id"] == sent["id"]
            assert frame["data"]["priority"] == "urgent"
        # What came afterwards is the first that the neighbour hears.
        later = send(notifications, ADA, recipient_type="user", recipient_id=VIKTOR)
        assert other.hear()["data"]["id"] == later["id"]


def test_a_push_reaches_a_role(notifications: Gate) -> None:
    """R73: also one whose token does not name its role."""
    silent = connect(notifications, "/ws/notifications/", token(GRACE), address=ADDRESSES.fresh())
    assert silent.hear()["type"] == "notifications_list"
    with (
        at_inbox(notifications, ALAN) as alan,
        silent as grace,
        at_inbox(notifications, TESS) as tess,
    ):
        sent = send(notifications, ADA, recipient_type="role", recipient_id="Advisor")
        assert alan.hear()["data"]["id"] == sent["id"]
        assert grace.hear()["data"]["id"] == sent["id"]
        later = send(notifications, ADA, recipient_type="role", recipient_id="Student")
        assert tess.hear()["data"]["id"] == later["id"]


def test_a_push_reaches_everyone(notifications: Gate) -> None:
    """R73, R81."""
    with (
        at_inbox(notifications, ADA) as ada,
        at_inbox(notifications, ALAN) as alan,
        at_inbox(notifications, SAM) as sam,
    ):
        sent = send(notifications, DORA, recipient_type="all")
        assert [it.hear()["data"]["id"] for it in (ada, alan, sam)] == [sent["id"]] * 3


def test_what_was_sent_while_away_is_in_the_list_of_whoever_returns(notifications: Gate) -> None:
    """R74."""
    sent = send(notifications, ADA, recipient_type="user", recipient_id=VIKTOR, title="Missed you")
    with come(notifications, "/ws/notifications/", VIKTOR) as viktor:
        assert sent["id"] in [it["id"] for it in viktor.hear()["data"]]


def test_mark_read_is_answered_and_shows_in_other_windows(notifications: Gate) -> None:
    """R50, R75."""
    sent = send(notifications, ADA, recipient_type="user", recipient_id=GRACE)
    with at_inbox(notifications, GRACE) as here, at_inbox(notifications, GRACE) as there:
        here.say({"action": "mark_read", "notification_id": sent["id"]})
        for window in (here, there):
            frame = window.hear()
            assert frame["type"] == "notifications_list"
            assert sent["id"] not in [it["id"] for it in frame["data"]]


def mark(gate: Gate, user: int, way: str, notice: str, window: Client) -> None:
    """Marks one read, by one of the ways there are."""
    if way == "socket":
        window.say({"action": "mark_read", "notification_id": notice})
        return
    method, path, body = {
        "patch": ("PATCH", f"{notice}/", {"is_read": True}),
        "bulk": (
            "POST",
            "bulk-update/",
            {"notification_ids": [notice], "updates": {"is_read": True}},
        ),
        "reading": ("POST", "mark-read/", {"notification_ids": [notice], "recipient_id": None}),
    }[way]
    answer = gate.ask(method, f"/api/notifications/{path}", body, token=signed(user))
    assert answer.status == 200, answer


@pytest.mark.parametrize("way", ["socket", "patch", "bulk", "reading"])
@pytest.mark.parametrize("whom", ["user", "role", "all"])
def test_what_is_read_in_one_tab_is_read_in_all_of_them(own: Gate, way: str, whom: str) -> None:
    """R75, R81: however it was marked and to whomever it went; and not for anybody else. The
    process is killed as soon as the answer is there, and everyone finds it so (R74, L7)."""
    names = {"user": TESS, "role": "Student", "all": None}
    tabs = [at_inbox(own, TESS) for _ in range(3)]
    with at_inbox(own, SAM) as sam:
        older, notice = (
            send(own, ADA, recipient_type=whom, recipient_id=names[whom])["id"] for _ in range(2)
        )
        for tab in tabs:
            assert [tab.hear()["data"]["id"] for _ in range(2)] == [older, notice]
        mark(own, TESS, way, notice, tabs[0])
        for tab in tabs:
            frame = tab.hear()
            assert frame["type"] == "notifications_list"
            ids = [it["id"] for it in frame["data"]]
            assert notice not in ids and older in ids
        own.kill()
        heard = [it["data"]["id"] for it in sam.hear_end().frames]
        assert heard == ([] if whom == "user" else [older, notice]), "and no list of hers"
    own.start()
    assert notice not in unread(own, TESS) and older in unread(own, TESS)
    sams = set() if whom == "user" else {older, notice}
    assert {older, notice} & set(unread(own, SAM)) == sams


def test_a_lone_tab_hears_what_was_read_elsewhere(own: Gate) -> None:
    """R75: on a telephone that has no socket, or in a tab that has given up its own."""
    with at_inbox(own, UMA) as uma:
        notice = send(own, ADA, recipient_type="user", recipient_id=UMA)["id"]
        assert uma.hear()["data"]["id"] == notice
        for way in ("patch", "reading"):
            mark(own, UMA, way, notice, uma)
        frame = uma.hear()
        assert frame["type"] == "notifications_list"
        assert notice not in [it["id"] for it in frame["data"]]
        # The second way changed nothing, and is not told.
        uma.say({"type": "ping"})
        assert uma.hear()["type"] == "pong"


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_whoever_was_away_finds_all_that_was_sent_to_them(own: Gate, how: str) -> None:
    """R74: to a user, a role and everyone; the process ends right after the last answer. Several
    tabs of theirs find the same, in the first frame, and nobody finds what is another's."""
    before = {user: set(unread(own, user)) for user in (VIKTOR, GRACE, TESS)}
    to_viktor = send(own, ADA, recipient_type="user", recipient_id=VIKTOR)["id"]
    to_advisors = send(own, ADA, recipient_type="role", recipient_id="Advisor")["id"]
    to_all = send(own, ADA, recipient_type="all")["id"]
    if how == "kill":
        own.kill()
    else:
        own.signal(signal.SIGTERM)
        assert own.wait() == 0
    own.start()
    for user, sent in [
        (VIKTOR, [to_all, to_viktor]),
        (GRACE, [to_all, to_advisors]),
        (TESS, [to_all]),
    ]:
        for _ in range(2):
            assert [it for it in unread(own, user) if it not in before[user]] == sent


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", "INVALID_JSON"),
        ("", "INVALID_JSON"),
        ("[]", "BAD_COMMAND"),
        ("7", "BAD_COMMAND"),
        ({"hello": "there"}, "BAD_COMMAND"),
        ({"action": ["get_notifications"]}, "BAD_COMMAND"),
        ({"action": "dance"}, "UNKNOWN_COMMAND"),
        ({"action": "mark_read"}, "BAD_COMMAND"),
        ({"action": "mark_read", "notification_id": "not-a-number"}, "BAD_COMMAND"),
        ({"action": "mark_read", "notification_id": "99999999"}, "BAD_COMMAND"),
        ("[" * 10_000, "INVALID_JSON"),
    ],
)
def test_nonsense_is_answered_and_nobody_crashes(
    notifications: Gate, said: object, code: str
) -> None:
    """C9, F11: the error has its message on top and where handlers look (C7); work goes on."""
    with at_inbox(notifications, SAM) as sam:
        sam.say(said)
        frame = sam.hear()
        assert (frame["type"], frame["code"]) == ("error", code), frame
        assert frame["message"]
        sam.say({"action": "get_notifications"})
        assert sam.hear()["type"] == "notifications_list"


def test_a_heartbeat_is_answered(notifications: Gate) -> None:
    """C9."""
    with at_inbox(notifications, SAM) as sam:
        sam.say({"type": "ping"})
        assert sam.hear()["type"] == "pong"
        sam.say({"type": "heartbeat"})
        assert sam.hear()["type"] == "heartbeat_ack"


def test_collaboration_is_told_to_the_others(notifications: Gate) -> None:
    """R76, R81: joins to everyone, moves to everyone else, and nobody speaks as another (C6)."""
    room = "/ws/collaboration/harbour/"
    with come(notifications, room, SAM) as sam:
        assert sam.hear() == {
            "type": "user_joined",
            "user": "sam",
            "message": "sam joined the collaboration",
        }
        with come(notifications, room, TESS) as tess:
            assert tess.hear()["user"] == sam.hear()["user"] == "tess"
            for action, field, value in [
                ("cursor_update", "position", {"x": 1, "y": 2.5}),
                ("text_change", "changes", {"position": 0, "text": "tide", "length": 4}),
                ("selection_change", "selection", {"start": 0, "end": 4, "text": "tide"}),
            ]:
                tess.say({"action": action, field: value, "user": "ada", "type": "notification"})
                frame = sam.hear()
                assert (frame["type"], frame["user"], frame[field]) == (action, "tess", value)
                assert frame["timestamp"] > 0
            # The echo of her own moves would have come before this.
            tess.say({"action": "heartbeat"})
            assert tess.hear()["type"] == "heartbeat_ack"
        assert sam.hear()["type"] == "user_left"


def test_rooms_do_not_hear_each_other(notifications: Gate) -> None:
    """C1."""
    with (
        come(notifications, "/ws/collaboration/north/", SAM) as north,
        come(notifications, "/ws/collaboration/south/", TESS) as south,
    ):
        assert north.hear()["user"] == "sam"
        assert south.hear()["user"] == "tess"
        south.say({"action": "text_change", "changes": {"text": "secret"}})
        south.say({"action": "heartbeat"})
        assert south.hear()["type"] == "heartbeat_ack"
        north.say({"action": "heartbeat"})
        assert north.hear()["type"] == "heartbeat_ack"


@pytest.mark.parametrize(
    ("user", "project", "is_open"),
    [
        (ADA, 2, True),
        (DORA, 2, True),
        (ALAN, 1, True),
        (ALAN, 2, False),
        (SAM, 1, True),
        (SAM, 2, False),
        (SAM, 404, False),
    ],
)
def test_a_project_is_open_to_those_it_concerns(
    notifications: Gate, address: str, user: int, project: int, is_open: bool
) -> None:
    """R16."""
    path = f"/ws/projects/{project}/"
    if is_open:
        with connect(notifications, path, signed(user), address=address) as client:
            frame = client.hear()
            assert (frame["type"], frame["data"]["project_id"]) == ("project_status", str(project))
            client.say({"action": "get_status"})
            assert client.hear() == frame
    else:
        refused = refusal(notifications, path, signed(user), address=address)
        assert (refused.status, refused.code) == (403, "FORBIDDEN")


def test_a_milestone_that_changes_is_shown_to_all_at_the_project(notifications: Gate) -> None:
    """R79, R81: by the advisor; a student may only watch."""
    with (
        come(notifications, "/ws/projects/3/", ALAN) as alan,
        come(notifications, "/ws/projects/3/", TESS) as tess,
    ):
        assert alan.hear()["type"] == tess.hear()["type"] == "project_status"
        change = {"milestone_id": "6", "status": "completed", "notes": "It flew."}
        tess.say({"action": "update_milestone", "milestone_data": change})
        assert tess.hear()["code"] == "DENIED"
        alan.say({"action": "update_milestone", "milestone_data": change})
        for frame in (alan.hear(), tess.hear()):
            assert frame["type"] == "project_update"
            assert frame["data"]["milestone_updated"]["status"] == "completed"
            assert frame["data"]["updated_by"] == "alan"


@pytest.mark.parametrize("user", [ALAN, SAM])
def test_system_health_is_for_administrators(
    notifications: Gate, address: str, user: int
) -> None:
    """R16."""
    refused = refusal(notifications, "/ws/system-health/", signed(user), address=address)
    assert (refused.status, refused.code) == (403, "FORBIDDEN")


@pytest.mark.parametrize("user", [ADA, DORA])
def test_administrators_see_how_the_system_is(notifications: Gate, user: int) -> None:
    """R80, R97."""
    with come(notifications, "/ws/system-health/", user) as admin:
        frame = admin.hear()
        assert frame["type"] == "system_status"
        assert set(frame["data"]) == {"status", "timestamp", "metrics"}
        admin.say({"action": "run_health_check"})
        frame = admin.hear()
        assert frame["type"] == "health_check_result"
        assert frame["data"]["checks"]["database"] == "healthy"
        assert frame["data"]["checks"]["storage"] == "healthy"


def test_a_role_that_was_taken_away_opens_nothing(notifications: Gate, address: str) -> None:
    """A9, A10: the newest token says the role; connections and tokens of the old one are over."""
    now = int(time.time())
    old, new = (
        token("promoted", role=role, iat=now - age) for role, age in [("Admin", 9), ("Student", 0)]
    )
    with connect(notifications, "/ws/system-health/", old, address=address) as admin:
        assert admin.hear()["type"] == "system_status"
        with connect(notifications, "/ws/notifications/", new, address=address) as student:
            assert student.hear()["type"] == "notifications_list"
            assert admin.hear_end().code == 4001
            refused = refusal(notifications, "/ws/system-health/", old, address=address)
            assert (refused.status, refused.code) == (401, "AUTH_FAILED")
            refused = refusal(notifications, "/ws/system-health/", new, address=address)
            assert (refused.status, refused.code) == (403, "FORBIDDEN")


def test_whoever_has_never_been_here_is_written_to_all_the_same(notifications: Gate) -> None:
    """R74: who exists is for the tokens' issuer to say."""
    send(notifications, ADA, title="Welcome", recipient_type="user", recipient_id="newcomer")
    shown = token("newcomer", username="nils", role="Student")
    with connect(notifications, "/ws/notifications/", shown, address=ADDRESSES.fresh()) as nils:
        assert "Welcome" in [it["title"] for it in nils.hear()["data"]]


def test_the_endpoints_its_client_calls(notifications: Gate) -> None:
    """R73, R75: reading, marking one, marking many, marking by recipient."""
    ids = [
        send(notifications, ADA, recipient_type="user", recipient_id=UMA, title=f"n{number}")["id"]
        for number in range(4)
    ]
    uma = signed(UMA)

    def ask(method: str, path: str, body: object = None) -> dict:
        answer = notifications.ask(method, path, body, token=uma)
        assert answer.status == 200, answer
        return dict(answer.json)

    listed = ask("GET", f"/api/notifications/user/{UMA}/")
    assert listed["user_id"] == str(UMA) and listed["count"] == len(listed["notifications"])
    assert set(ids) <= {it["id"] for it in listed["notifications"]}

    assert ask("PATCH", f"/api/notifications/{ids[0]}/", {"is_read": True})["is_read"] is True
    many = {"notification_ids": ids[1:3], "updates": {"is_read": True}}
    assert ask("POST", "/api/notifications/bulk-update/", many)["updated_count"] == 2
    by_recipient = {"notification_ids": ids[3:], "recipient_id": str(UMA)}
    assert ask("POST", "/api/notifications/mark-read/", by_recipient)["updated_count"] == 1

    read = {it["id"] for it in ask("GET", "/api/notifications/")["results"] if it["is_read"]}
    assert set(ids) <= read


def test_the_endpoints_ask_for_a_token(notifications: Gate, address: str) -> None:
    """R54."""
    for method, path in [
        ("GET", "/api/notifications/"),
        ("POST", "/api/notifications/"),
        ("PATCH", "/api/notifications/1/"),
        ("POST", "/api/notifications/bulk-update/"),
        ("POST", "/api/notifications/mark-read/"),
        ("GET", f"/api/notifications/user/{SAM}/"),
    ]:
        body = None if method == "GET" else {}
        answer = notifications.ask(method, path, body, address=address)
        assert (answer.status, answer.json["code"]) == (401, "AUTH_REQUIRED"), path


def test_a_student_notifies_nobody_and_reads_nobody_elses(notifications: Gate) -> None:
    """R16, C5."""
    draft = {"title": "t", "message": "m", "recipient_type": "user", "recipient_id": TESS}
    answer = notifications.ask("POST", "/api/notifications/", draft, token=signed(SAM))
    assert answer.status == 403
    answer = notifications.ask("GET", f"/api/notifications/user/{TESS}/", token=signed(SAM))
    assert answer.status == 403


def test_the_development_login_issues_what_the_client_expects(
    notifications: Gate, address: str
) -> None:
    """R10: and what it issues is good for a connection."""
    who = {"username": "sam", "password": "demo"}
    told = notifications.ask("POST", "/api/auth/login/", who).json
    assert set(told) == {"access", "refresh", "user"} and told["user"]["role"] == "Student"
    with connect(notifications, "/ws/notifications/", told["access"], address=address) as sam:
        assert sam.hear()["type"] == "notifications_list"
    refreshed = notifications.ask(
        "POST", "/api/auth/token/refresh/", {"refresh": told["refresh"]}
    ).json
    assert set(refreshed) >= {"access"}
    refused = refusal(notifications, "/ws/notifications/", told["refresh"], address=address)
    assert refused.code == "INVALID_TOKEN"
