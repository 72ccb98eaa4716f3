"""Both systems without `--dev`, in front of a backend that exists: databases begin empty (R6)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import connect, refusal
from gate import ADDRESSES, EXAMPLES, Gate, running
from tokens import token


@pytest.fixture
def uni(tmp_path: Path) -> Iterator[Gate]:
    """System N without `--dev`."""
    yield from running(Gate(EXAMPLES / "notifications.toml", tmp_path))


@pytest.fixture
def gym(tmp_path: Path) -> Iterator[Gate]:
    """System G without `--dev`."""
    yield from running(Gate(EXAMPLES / "checkins.toml", tmp_path))


@pytest.mark.parametrize("user", [7, "7f3c@uni.example"])
def test_notifications_need_nothing_but_tokens(uni: Gate, user: int | str) -> None:
    """R73, R74: from the administrator's first word to a project nobody seeded."""
    admin = token("head", username="ada", role="Admin")
    uma = token(user, username="uma", role="Student")
    draft = {"title": "Tide", "message": "At six.", "recipient_type": "user", "recipient_id": user}
    assert uni.ask("POST", "/api/notifications/", draft, token=admin).status == 201
    with connect(uni, "/ws/notifications/", uma, address=ADDRESSES.fresh()) as client:
        assert [it["title"] for it in client.hear()["data"]] == ["Tide"]
        for kind, whom in [("user", user), ("role", "Student"), ("all", None)]:
            draft |= {"title": kind, "recipient_type": kind, "recipient_id": whom}
            assert uni.ask("POST", "/api/notifications/", draft, token=admin).status == 201
            assert client.hear_kind("notification")["data"]["title"] == kind

    there = "/ws/projects/1/"
    assert refusal(uni, there, uma, address=ADDRESSES.fresh()).status == 403
    with connect(uni, there, admin, address=ADDRESSES.fresh()) as client:
        assert client.hear() == {"type": "project_status", "data": None}
    project = {"title": "Tides", "students": [user], "milestones": [{"name": "Proposal"}]}
    assert uni.ask("POST", "/api/projects/", project, token=admin).status == 201
    with connect(uni, there, uma, address=ADDRESSES.fresh()) as client:
        assert client.hear()["data"]["students"] == [str(user)]


def test_check_ins_need_nothing_but_tokens(gym: Gate) -> None:
    """R78, R80: a desk, its first member, and somebody who only looks on."""
    desk = token(7, role="staff")
    mina = {"full_name": "Mina Park", "email": "mina@example.com"}
    added = gym.ask("POST", "/api/members/", mina, token=desk)
    assert added.status == 201, added
    with (
        connect(gym, "/ws/checkins/", desk, address=ADDRESSES.fresh()) as here,
        connect(gym, "/ws/checkins/", token(8), address=ADDRESSES.fresh()) as there,
    ):
        assert there.hear()["payload"]["currentlyIn"] == 0
        said = {"type": "check_in", "data": {"memberId": added.json["membership_number"]}}
        there.say(said)
        assert there.hear_kind("check_in_error")["payload"]["code"] == "DENIED"
        here.say(said)
        heard = there.hear_kind("member_checked_in")["payload"]
        assert heard["member"]["full_name"] == "Mina Park"
