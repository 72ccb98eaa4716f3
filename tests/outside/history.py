"""What was said, heard and confirmed, in order, and the judge who listens to it.

Each record is a fact, told when whoever met it learned of it. The judge is told them one by one and
objects to the first that cannot be if everything told before it was true. It knows nothing of
sockets and processes, so `test_history.py` can show that it does object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


class Objection(AssertionError):
    """What was told cannot be."""


@dataclass(frozen=True)
class Place:
    """Where a message is."""

    channel: str
    epoch: str
    offset: int


@dataclass(frozen=True)
class Confirmed:
    """A publisher was told that its message has this place."""

    place: Place
    data: str


@dataclass(frozen=True)
class Stood:
    """A subscriber was told where it begins; `since` is the place it named."""

    who: str
    begin: Place
    since: Place | None = None
    recovered: bool | None = None


@dataclass(frozen=True)
class Heard:
    """A subscriber heard a message."""

    who: str
    place: Place
    data: str


@dataclass(frozen=True)
class Found:
    """Somebody read all of a log that is after an offset."""

    channel: str
    epoch: str
    first: int
    head: int
    after: int
    items: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Marked:
    """A user was told that this is noted: how far they have come."""

    user: str
    channel: str
    delivered: int
    read: int


@dataclass(frozen=True)
class Told(Marked):
    """Somebody was told how far a user has come."""


@dataclass(frozen=True)
class Revoked:
    """A backend was told that this token counts no more."""

    token: str


@dataclass(frozen=True)
class Shown:
    """A token was shown at the door."""

    token: str
    refused: bool


Record = Confirmed | Stood | Heard | Found | Marked | Told | Revoked | Shown


def key_of(data: str) -> str:
    """The key a message was said with: its first word."""
    return data.split(" ", 1)[0]


@dataclass
class Judge:
    """Believes what it is told until two records disagree.

    A channel whose name begins with `quick:` may lose what was not written yet, and then has to
    have another epoch; every other is on disk before anyone hears of it, and keeps its epoch for
    ever. In `user:` channels a message may come again, though never out of order.
    """

    # What is promised: channel, epoch, offset, data. Whoever heard or read it was promised too.
    kept: dict[tuple[str, str], dict[int, str]] = field(default_factory=dict)
    by_key: dict[tuple[str, str], Place] = field(default_factory=dict)
    epochs: dict[str, list[str]] = field(default_factory=dict)
    at: dict[tuple[str, str], Place] = field(default_factory=dict)
    # The furthest each user heard in each mailbox.
    furthest: dict[tuple[str, str], int] = field(default_factory=dict)
    marks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def hear(self, record: Record) -> None:
        """One more fact. Raises an `Objection` if it cannot be one."""
        name = type(record).__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        match record:
            case Confirmed(place, data):
                self._keep(place, data, record)
            case Stood():
                self._stood(record)
            case Heard():
                self._heard(record)
            case Found():
                self._found(record)
            case Marked():
                self._marked(record)
            case Revoked(token):
                self.revoked.add(token)
            case Shown(token, refused):
                if token in self.revoked and not refused:
                    raise Objection(f"a revoked token was good: {record}")

    # Messages

    def _keep(self, place: Place, data: str, record: Record) -> None:
        """One message a place, one place a key."""
        self._live(place.channel, place.epoch, record)
        kept = self.kept.setdefault((place.channel, place.epoch), {})
        there = kept.setdefault(place.offset, data)
        if there != data:
            raise Objection(f"{there!r} had that place: {record}")
        had = self.by_key.get((place.channel, key_of(data)), place)
        if had != place and (had.epoch == place.epoch or not may_lose(place.channel)):
            raise Objection(f"its key had the place {had}: {record}")
        self.by_key[place.channel, key_of(data)] = place

    def _live(self, channel: str, epoch: str, record: Record) -> None:
        """An epoch that is over never comes back; one that is kept is never over."""
        epochs = self.epochs.setdefault(channel, [epoch])
        if epoch == epochs[-1]:
            return
        if epoch in epochs:
            raise Objection(f"an epoch came back: {record}")
        # An epoch begins with its first message. Before that there is nothing to lose by another.
        if self.kept.get((channel, epochs[-1])) and not may_lose(channel):
            raise Objection(f"its epoch was {epochs[-1]}: {record}")
        epochs.append(epoch)

    def lives(self, channel: str) -> int:
        """How many epochs of a channel had a message."""
        return sum(bool(self.kept.get((channel, it))) for it in self.epochs.get(channel, []))

    def _stood(self, record: Stood) -> None:
        begin, since = record.begin, record.since
        self._live(begin.channel, begin.epoch, record)
        if since is None:
            heard = self.furthest.get((record.who, begin.channel), 0)
            if begin.channel.startswith("user:") and heard < begin.offset:
                raise Objection(f"only {heard} of its mailbox was ever heard: {record}")
        elif record.recovered and begin != since:
            raise Objection(f"recovered from somewhere else: {record}")
        elif not record.recovered and begin.epoch == since.epoch:
            raise Objection(f"not recovered, though the epoch is the same: {record}")
        self.at[record.who, begin.channel] = begin

    def _heard(self, record: Heard) -> None:
        place = record.place
        stand = self.at.get((record.who, place.channel))
        if stand is None:
            raise Objection(f"heard without a subscription: {record}")
        is_next = (place.epoch, place.offset) == (stand.epoch, stand.offset + 1)
        is_again = place.offset <= stand.offset and place.channel.startswith("user:")
        if not is_next and not is_again:
            raise Objection(f"it stood at {stand}: {record}")
        if is_next:
            self.at[record.who, place.channel] = place
        seat = record.who, place.channel
        self.furthest[seat] = max(self.furthest.get(seat, 0), place.offset)
        self._keep(place, record.data, record)

    def _found(self, record: Found) -> None:
        channel, epoch = record.channel, record.epoch
        shown = f"{channel} {epoch} {record.first} to {record.head}, read after {record.after}"
        self._live(channel, epoch, record)
        begin = max(record.after + 1, record.first)
        offsets = [it[0] for it in record.items]
        if offsets != list(range(begin, record.head + 1)):
            raise Objection(f"offsets with holes: {shown}: {offsets}")
        there = dict(record.items)
        for offset, data in self.kept.get((channel, epoch), {}).items():
            if begin <= offset and there.get(offset) != data:
                raise Objection(f"{data!r} was at {offset}, now {there.get(offset)!r}: {shown}")
        for offset, data in record.items:
            self._keep(Place(channel, epoch, offset), data, record)

    # Cursors

    def _marked(self, record: Marked) -> None:
        delivered, read = self.marks.get((record.user, record.channel), (0, 0))
        if record.delivered < delivered or record.read < read:
            raise Objection(f"it was noted at {delivered}, {read}: {record}")
        if record.delivered < record.read:
            raise Objection(f"read before it was delivered: {record}")
        # Only what was noted is promised; what was told may be on its way to the disk.
        if not isinstance(record, Told):
            self.marks[record.user, record.channel] = record.delivered, record.read


def may_lose(channel: str) -> bool:
    """Whether a crash may cost what was confirmed, if the epoch ends with it."""
    return channel.startswith("quick:")
