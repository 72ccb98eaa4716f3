"""The fifteen authentication cases of System N, and a few its tests forgot (R1-R8, R125, R127).

Refused means refused before the upgrade, with a status: its client takes an open socket for a
success, and would come back every five seconds for ever.
"""

from urllib.parse import quote

import jwt
import pytest

from clients import Client, connect, refusal
from gate import Gate
from tokens import CANARY, SECRET, token

PATH = "/ws/notifications/"
ADA, ALAN, SAM, TESS = 1, 3, 5, 6


def unread(client: Client) -> list[str]:
    """Titles of the list that comes first."""
    frame = client.hear()
    assert frame["type"] == "notifications_list"
    return [it["title"] for it in frame["data"]]


def test_01_a_token_in_the_query_is_taken(notifications: Gate, address: str) -> None:
    """R2."""
    with connect(notifications, PATH, token(SAM), address=address) as sam:
        assert "Logbook 14 is legible" in unread(sam)


def test_02_a_token_in_the_header_is_taken(notifications: Gate, address: str) -> None:
    """R3."""
    with connect(notifications, PATH, bearer=token(SAM), address=address) as sam:
        assert "Logbook 14 is legible" in unread(sam)


def test_03_the_query_wins_over_the_header(notifications: Gate, address: str) -> None:
    """R11: the first source that is there decides, and a good one cannot stand in for a bad one."""
    with connect(notifications, PATH, token(TESS), bearer=token(SAM), address=address) as tess:
        titles = unread(tess)
    assert "You are on two projects" in titles and "Logbook 14 is legible" not in titles
    for bad in ["", f"{CANARY}.is.bad"]:
        refused = refusal(notifications, PATH, bad, bearer=token(SAM), address=address)
        assert refused.status == 401


def test_04_without_a_token_nobody_gets_in(notifications: Gate, address: str) -> None:
    """R1."""
    refused = refusal(notifications, PATH, address=address)
    assert (refused.status, refused.code) == (401, "AUTH_REQUIRED")


def test_05_an_empty_token_is_none(notifications: Gate, address: str) -> None:
    """R1."""
    refused = refusal(notifications, PATH, "", address=address)
    assert (refused.status, refused.code) == (401, "AUTH_REQUIRED")


def test_06_a_token_of_blanks_is_none(notifications: Gate, address: str) -> None:
    """R1."""
    refused = refusal(notifications, PATH, "%20%20%09", address=address)
    assert (refused.status, refused.code) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    "malformed",
    [
        f"not-a-jwt-{CANARY}",
        f"{CANARY}.two",
        f"{CANARY}.three.parts",
        f"{CANARY}.a.b.c",
        quote(f"{CANARY}\n\u2603'; DROP TABLE users; --"),
    ],
)
def test_07_malformed_tokens_are_refused(
    notifications: Gate, address: str, malformed: str
) -> None:
    """R1, A7: in all five shapes, and none of them in the log."""
    refused = refusal(notifications, PATH, malformed, address=address)
    assert (refused.status, refused.code) == (401, "INVALID_TOKEN")


def test_08_an_expired_token_is_told_from_a_bad_one(notifications: Gate, address: str) -> None:
    """R7."""
    refused = refusal(notifications, PATH, token(SAM, ttl=-1), address=address)
    assert (refused.status, refused.code) == (401, "TOKEN_EXPIRED")


def test_09_the_token_of_a_deleted_user_is_refused(notifications: Gate, address: str) -> None:
    """R6, A9: the token is genuine, its user was removed; who is connected then is parted with."""
    admin = token(ADA, role="Admin")

    def tell(method: str, path: str) -> None:
        path = f"/api/notifications/users/{path}/"
        answer = notifications.ask(method, path, token=admin)
        assert answer.status == 204, answer

    with connect(notifications, PATH, token("gone"), address=address) as gone:
        unread(gone)
        tell("DELETE", "gone")
        assert gone.hear_end().code == 4001
    refused = refusal(notifications, PATH, token("gone"), address=address)
    assert (refused.status, refused.code) == (401, "AUTH_FAILED")
    tell("POST", "gone/restore")
    connect(notifications, PATH, token("gone"), address=address).close()


def test_10_a_header_without_bearer_is_refused(notifications: Gate, address: str) -> None:
    """R3."""
    headers = {"Authorization": token(SAM)}
    refused = refusal(notifications, PATH, headers=headers, address=address)
    assert (refused.status, refused.code) == (401, "INVALID_TOKEN")


@pytest.mark.parametrize("header", ["Bearer", "Bearer "])
def test_11_bearer_alone_is_no_token(notifications: Gate, address: str, header: str) -> None:
    """R3."""
    headers = {"Authorization": header}
    refused = refusal(notifications, PATH, headers=headers, address=address)
    assert refused.status == 401


def test_12_whoever_fails_is_nobody(notifications: Gate, address: str) -> None:
    """R1: nothing is told to the refused, nothing is kept of them, and a seat is not theirs."""
    before = notifications.active_connections()
    foreign = token(SAM, secret="another-secret-of-some-length-000000000")
    for bad in [None, f"{CANARY}.x.y", foreign]:
        refused = refusal(notifications, PATH, bad, address=address)
        assert set(refused.body) <= {"code", "message", "details"}
    assert notifications.active_connections() == before


def test_13_other_parameters_do_not_matter(notifications: Gate, address: str) -> None:
    """R2."""
    path = f"{PATH}?v=2&token={token(SAM)}&room=den&token=second-is-not-looked-at"
    with connect(notifications, path, address=address) as sam:
        assert "Logbook 14 is legible" in unread(sam)


def test_14_a_token_may_be_url_encoded(notifications: Gate, address: str) -> None:
    """R2: every byte of it, if someone likes."""
    encoded = "".join(f"%{ord(it):02x}" for it in token(SAM))
    with connect(notifications, PATH, encoded, address=address) as sam:
        assert "Logbook 14 is legible" in unread(sam)


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/ws/notifications/", "notifications_list"),
        ("/ws/projects/1/", "project_status"),
        ("/ws/collaboration/den/", "user_joined"),
        ("/ws/system-health/", "system_status"),
    ],
)
def test_15_every_route_asks_for_a_token(
    notifications: Gate, address: str, path: str, first: str
) -> None:
    """R41, R49: the four routes, each with its own first frame (C5)."""
    assert refusal(notifications, path, address=address).status == 401
    with connect(notifications, path, token(ADA, role="Admin"), address=address) as ada:
        assert ada.hear()["type"] == first


def test_a_refresh_token_is_no_access_token(notifications: Gate, address: str) -> None:
    """R9, A6: the old system took it."""
    refresh = token(SAM, token_type="refresh")
    refused = refusal(notifications, PATH, refresh, address=address)
    assert (refused.status, refused.code) == (401, "INVALID_TOKEN")


def forgeries() -> dict[str, str]:
    """Tokens that say who signed them instead of being signed."""
    claims = {"user_id": ADA, "token_type": "access", "exp": 4_000_000_000, "canary": CANARY}
    head, body, signature = token(ADA).split(".")
    return {
        "alg none": jwt.encode(claims, None, algorithm="none"),
        "signature cut off": f"{head}.{body}.",
        "another's signature": f"{head}.{body}.{token(SAM).split('.')[2]}",
        "no exp": token(ADA, exp=None),
        "exp as text": token(ADA, exp="4000000000"),
        "another algorithm of the family": jwt.encode(claims, SECRET, algorithm="HS384"),
        "user as a list": token(ADA, user_id=[ADA]),
        "no user": token(ADA, user_id=None),
        "not yet": token(ADA, nbf=4_000_000_000),
        "of another audience": token(ADA, aud="elsewhere"),
        "signature in other letters": f"{head}.{body}.{signature.swapcase()}",
    }


@pytest.mark.parametrize("forgery", forgeries())
def test_forged_tokens_are_refused_alike(notifications: Gate, address: str, forgery: str) -> None:
    """A1, A5, A6, A10: whatever a token says of itself."""
    refused = refusal(notifications, PATH, forgeries()[forgery], address=address)
    assert (refused.status, refused.code) == (401, "INVALID_TOKEN")


def test_every_reconnection_is_checked_anew(notifications: Gate, address: str) -> None:
    """R5: a token that was good is not good for ever."""
    brief = token(SAM, ttl=2)
    with connect(notifications, PATH, brief, address=address) as sam:
        unread(sam)
        assert sam.hear_end().code == 4001
    refused = refusal(notifications, PATH, brief, address=address)
    assert (refused.status, refused.code) == (401, "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", None),
        ("http://127.0.0.1:8000", None),
        ("http://localhost:3001", 403),
        ("https://localhost:3000", 403),
        ("http://localhost:3000.evil.example", 403),
        ("http://evil.example", 403),
        ("null", 403),
    ],
)
def test_only_listed_pages_may_connect(
    notifications: Gate, address: str, origin: str, status: int | None
) -> None:
    """R36, H1: and the origin is looked at before the token is."""
    if status is None:
        connect(notifications, PATH, token(SAM), origin=origin, address=address).close()
        return
    for shown in [token(SAM), None]:
        refused = refusal(notifications, PATH, shown, origin=origin, address=address)
        assert (refused.status, refused.code) == (status, "ORIGIN_REFUSED")
