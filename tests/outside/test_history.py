"""The judge of histories can object: each story is good but for its last record."""

import pytest

from history import (
    Confirmed,
    Found,
    Heard,
    Judge,
    Marked,
    Objection,
    Place,
    Record,
    Revoked,
    Shown,
    Stood,
    Told,
)


def at(offset: int, epoch: str = "e", channel: str = "log:a") -> Place:
    """A place in a channel."""
    return Place(channel, epoch, offset)


def found(*items: tuple[int, str], channel: str = "log:a", first: int = 1) -> Found:
    """A log read as a whole."""
    return Found(channel, "e", first, items[-1][0] if items else 0, 0, items)


A, B = Confirmed(at(1), "a"), Confirmed(at(2), "b")
STANDS = Stood("eve", at(0))

WRONG: dict[str, list[Record]] = {
    "a confirmed message is lost from the end": [A, B, found((1, "a"))],
    "a hole among the offsets": [found((1, "a"), (3, "c"))],
    "another message at its place": [A, found((1, "x"))],
    "two messages confirmed at one place": [A, Confirmed(at(1), "b")],
    "what was heard is not kept": [STANDS, Heard("eve", at(1), "a"), found()],
    "what was read once is not there again": [found((1, "a"), (2, "b")), found((1, "a"))],
    "a log on disk has another epoch": [A, Confirmed(at(2, "f"), "b")],
    "a log on disk is told by another epoch": [A, Stood("eve", at(1, "f"))],
    "an epoch comes back": [
        Confirmed(at(1, "e", "quick:a"), "a"),
        Confirmed(at(1, "f", "quick:a"), "b"),
        Confirmed(at(2, "e", "quick:a"), "c"),
    ],
    "something is lost and the epoch stays": [
        Confirmed(at(1, "e", "quick:a"), "a"),
        Confirmed(at(2, "e", "quick:a"), "b"),
        found((1, "a"), channel="quick:a"),
    ],
    "one key at two places": [A, Confirmed(at(2), "a again")],
    "one key at two places of a log": [found((1, "k 1"), (2, "k 1"))],
    "heard twice": [STANDS, Heard("eve", at(1), "a"), Heard("eve", at(1), "a")],
    "heard out of order": [STANDS, Heard("eve", at(2), "b")],
    "heard again after coming back": [
        STANDS,
        Heard("eve", at(1), "a"),
        Stood("eve", at(1), at(1), recovered=True),
        Heard("eve", at(1), "a"),
    ],
    "a gap after coming back": [
        STANDS,
        Stood("eve", at(0), at(0), recovered=True),
        Heard("eve", at(2), "b"),
    ],
    "recovered from further on": [A, B, Stood("eve", at(2), at(1), recovered=True)],
    "not recovered for no reason": [A, B, Stood("eve", at(2), at(1), recovered=False)],
    "heard without having subscribed": [Heard("eve", at(1), "a")],
    "heard something else than was confirmed": [A, STANDS, Heard("eve", at(1), "x")],
    "mail that is skipped": [
        Stood("eve", at(0, channel="user:eve")),
        Heard("eve", at(1, channel="user:eve"), "a"),
        Stood("eve", at(2, channel="user:eve")),
    ],
    "a gap in the mail": [
        Stood("eve", at(0, channel="user:eve")),
        Heard("eve", at(2, channel="user:eve"), "b"),
    ],
    "a cursor goes back": [Marked("eve", "room:a", 3, 2), Told("eve", "room:a", 2, 2)],
    "what was read is unread": [Marked("eve", "room:a", 3, 2), Marked("eve", "room:a", 3, 1)],
    "read but not delivered": [Marked("eve", "room:a", 1, 2)],
    "a revoked token is good": [Shown("t", refused=False), Revoked("t"), Shown("t", refused=False)],
}


@pytest.mark.parametrize("story", WRONG.values(), ids=WRONG.keys())
def test_the_judge_objects_to_the_last_record_and_to_none_before(story: list[Record]) -> None:
    """L7: a judge who cannot object would find every history good."""
    judge = Judge()
    for record in story[:-1]:
        judge.hear(record)
    with pytest.raises(Objection):
        judge.hear(story[-1])


def test_the_judge_has_nothing_against_what_may_be() -> None:
    """Losing with the epoch, mail that comes again, repetitions, and a log that was cut."""
    judge = Judge()
    mail = [at(it, channel="user:eve") for it in range(4)]
    quick, next_life = at(1, "e", "quick:a"), at(1, "f", "quick:a")
    for record in [
        A, A, B, STANDS, Heard("eve", at(1), "a"), Heard("eve", at(2), "b"),
        found((1, "a"), (2, "b")), found((2, "b"), first=2),
        Stood("eve", at(2), at(2), recovered=True), Confirmed(at(3), "c"), Heard("eve", at(3), "c"),
        Confirmed(quick, "q"), Stood("eve", quick, quick, recovered=True),
        Stood("eve", at(0, "f", "quick:a"), quick, recovered=False), Confirmed(next_life, "q"),
        Stood("eve", mail[0]), Heard("eve", mail[1], "m"), Heard("eve", mail[2], "n"),
        Heard("eve", mail[1], "m"), Marked("eve", "user:eve", 1, 0), Stood("eve", mail[1]),
        Heard("eve", mail[2], "n"), Told("eve", "user:eve", 2, 0), Told("eve", "user:eve", 1, 0),
        Shown("t", refused=False), Revoked("t"), Shown("t", refused=True),
        Stood("eve", at(0, "e", "log:b")), Confirmed(at(1, "f", "log:b"), "first"),
    ]:  # fmt: skip
        judge.hear(record)
