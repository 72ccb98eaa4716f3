"""`kill -9` again and again, under a crowd that remembers everything: L7, R24, R74, R118, B7.

ROUNDS is how often the process dies (50), SEED what all dice begin with; both are printed. The
judge of `history.py` hears what everyone learned and objects to what cannot be.
"""

import asyncio
import os
import random
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from crowd import (
    Backend,
    Listener,
    Operator,
    Reader,
    Returner,
    Talker,
    find,
    tell_cursor,
)
from gate import EXAMPLES, WITHIN, Gate, running
from history import Judge, Place

ROUNDS = int(os.environ.get("ROUNDS", "50"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# Seconds for which everybody talks before the process is killed.
SHORTEST, LONGEST = 0.05, 0.4
SHARDS = 2

LOGS = ["log:a", "log:b", "log:c", "log:d", "quick:a", "quick:b"]
MAIL, ROOMS = ["user:ann", "user:bob"], ["room:one", "room:two"]
ALL = [*LOGS, *MAIL, *ROOMS]


def home_of(channel: str) -> int:
    """The shard a channel is at home on, as `crates/engine/src/home.rs` has it."""
    mask, digest = (1 << 64) - 1, 0xCBF29CE484222325
    for byte in channel.encode():
        digest = (digest ^ byte) * 0x100000001B3 & mask
    digest = (digest ^ digest >> 33) * 0xFF51AFD7ED558CCD & mask
    return (digest ^ digest >> 33) % SHARDS


class Crowd:
    """Everyone, and what they do in one life of the process."""

    def __init__(self, gate: Gate, dice: random.Random) -> None:
        self.gate, self.dice, self.judge = gate, dice, Judge()
        seed = lambda: dice.randrange(1 << 32)
        self.publishers = [Backend(f"backend{it}", self.judge, ALL, seed()) for it in range(3)]
        self.publishers += [Talker(f"talker{it}", self.judge, ALL, seed()) for it in range(2)]
        self.returner = Returner("rita", self.judge, [*LOGS, *ROOMS], seed())
        self.readers = [Reader(it, self.judge, ROOMS) for it in ("ann", "bob")]
        self.listeners = [
            Listener("lea", self.judge, [*LOGS, *ROOMS]),
            Listener("leo", self.judge, LOGS),
            self.returner,
            *self.readers,
        ]
        self.operator = Operator(self.judge, seed())

    def look(self, *, whole: bool) -> dict[str, Place]:
        """Reads what there is, before anybody says more. Tells the heads."""
        heads = {}
        for channel in ALL:
            kept = self.judge.kept.get((channel, self.judge.epochs.get(channel, [""])[-1]), {})
            # Of what was read before, the last is enough but once.
            after = 0 if whole else max(0, max(kept, default=0) - 200)
            found = find(self.gate, channel, after)
            self.judge.hear(found)
            heads[channel] = Place(channel, found.epoch, found.head)
        for reader in self.readers:
            for channel in reader.channels:
                tell_cursor(self.gate, self.judge, reader.name, channel)
        return heads

    async def talk(self) -> None:
        """Everybody, for a moment; then the process is killed, and all of them have to notice."""
        people = [*self.publishers, *self.listeners]
        everyone = {asyncio.create_task(it.live(self.gate)) for it in people}
        everyone.add(asyncio.create_task(self.operator.live(self.gate)))
        span = self.dice.uniform(SHORTEST, LONGEST)
        done, _ = await asyncio.wait(
            everyone, timeout=span, return_when=asyncio.FIRST_COMPLETED
        )
        early = [it.exception() for it in done]
        self.gate.kill()
        await bounded(asyncio.gather(*everyone))
        assert not early, "somebody was left alone by a process that lived"

    async def catch_up(self, heads: dict[str, Place]) -> None:
        """Nobody says anything any more; whoever listens hears the rest."""
        everyone = {asyncio.create_task(it.live(self.gate)) for it in self.listeners}
        deadline = time.monotonic() + WITHIN
        while not all(it.has(heads) for it in self.listeners):
            behind = [it.name for it in self.listeners if not it.has(heads)]
            assert time.monotonic() < deadline, f"{behind} did not hear everything up to {heads}"
            await asyncio.wait(everyone, timeout=0.02)
        self.gate.kill()
        await bounded(asyncio.gather(*everyone))


async def bounded(what: Any) -> Any:
    """Nothing may take longer than a failure."""
    async with asyncio.timeout(WITHIN):
        return await what


def test_whatever_was_confirmed_survives_kill_9(tmp_path: Path) -> None:
    """L7: acknowledged is recovered, in its place, once, in order; cursors and revocations too."""
    assert {home_of(it) for it in LOGS[:4]} == {home_of(it) for it in LOGS[4:]} == {0, 1}
    print(f"ROUNDS={ROUNDS} SEED={SEED}")
    gate = Gate(
        EXAMPLES / "state.toml", tmp_path, environment={"TIDEGATE_SERVER_SHARDS": str(SHARDS)}
    )
    crowd = Crowd(gate, random.Random(SEED))
    with asyncio.Runner() as runner:
        run = lambda what: runner.run(what)
        for life in running(gate):
            for number in range(ROUNDS):
                begin(crowd, run, number)
                run(crowd.talk())
                life.start()
            heads = crowd.look(whole=True)
            run(crowd.operator.show_all(gate))
            run(crowd.catch_up(heads))
            life.start()
            crowd.look(whole=True)
    tally(crowd)


def begin(crowd: Crowd, run: Any, number: int) -> None:
    """What is there after a death, before anybody says more."""
    try:
        crowd.look(whole=False)
        work: Coroutine[Any, Any, None] = crowd.operator.show_all(crowd.gate)
        run(work)
    except AssertionError as fault:
        raise AssertionError(f"after {number} deaths, SEED={SEED}: {fault}") from fault


def tally(crowd: Crowd) -> None:
    """A history in which little happened would show little."""
    counts = crowd.judge.counts
    again = sum(it.said_again for it in crowd.publishers)
    lives = {it: crowd.judge.lives(it) for it in ALL}
    print(f"{counts}, {again} said again, {crowd.returner.resumed} resumed, epochs {lives}")
    assert all(lives[it] == 1 for it in ALL if not it.startswith("quick:"))
    assert 20 * ROUNDS < counts["Confirmed"] and 20 * ROUNDS < counts["Heard"]
    if 50 <= ROUNDS:
        assert min(again, counts["Marked"], counts["Revoked"], crowd.returner.resumed) > 10
