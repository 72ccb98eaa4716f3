"""Clients that poll, and never come back: F13."""

import contextlib
import json
import os
import select
import time

import raw
import tokens
from gate import ROUTES, SERVER, until, watched

CHAT = """
[[routes]]
name = "chat"
path = "/chat/"
dialect = "socketio"
app = "echo"
tokens = "access"
from = ["message"]
origins = "*"
joins = ["room:all"]
sessions = { grace = "1s" }
"""

OTHER = CHAT.replace('"chat"', '"other"').replace("/chat/", "/other/")
# Who never joins is parted with after the first of these, who answers no ping after the others.
JOIN_WITHIN, PING_EVERY, PONG_WITHIN = 1.0, 1.0, 1.0
QUICK = f"""first_message_within = "{JOIN_WITHIN:.0f}s"
ping_every = "{PING_EVERY:.0f}s"
pong_within = "{PONG_WITHIN:.0f}s"
"""
# A debug build on two cores that others use as well.
LATE = 1.5

# From so many addresses as many as each may have: 3,000 sessions.
ADDRESSES, EACH = 300, 10
# A kilobyte of each. Less would be lost in what allocators do by themselves.
KEPT_MIB = 3
# What becomes of the ten of one address.
SILENT, JOINED, REFUSED, PROBING, WAITING = 4, 3, 1, 1, 1


def limits(addresses: int) -> str:
    """So many connections of an address, and as many attempts and messages as they like."""
    rest = 'attempts_per_address = "none", messages = "none"'
    return f"limits = {{ connections_per_address = {addresses}, {rest} }}\n"


UNKNOWN = (400, b'{"code":1,"message":"Session ID unknown"}')


def there(sid="", transport="polling", path="/chat/") -> str:
    return f"{path}?EIO=4&transport={transport}" + (f"&sid={sid}" if sid else "")


def post(sid, body) -> bytes:
    return raw.request("POST", there(sid), [("Content-Length", len(body))], body.encode())


def get(sid="") -> bytes:
    return raw.request("GET", there(sid))


def name(answer) -> str:
    """The session that was opened."""
    assert answer.status == 200, answer
    return json.loads(answer.text[1:])["sid"]


class Line:
    """A connection that stays. What is asked goes out at once, and is answered in order."""

    def __init__(self, port, source=None):
        self.sock = raw.connect(port, source)
        self.reader = raw.Reader(self.sock)

    def ask(self, *requests) -> list:
        self.sock.sendall(b"".join(requests))
        return [self.reader.answer() for _ in requests]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


class Good:
    """Someone who polls as they should, and is echoed all the while."""

    def __init__(self, port, user="good"):
        self.mouth, self.ears = Line(port), Line(port)
        self.sid = name(*self.mouth.ask(get()))
        self.say(f'40{{"token":"{tokens.token(user)}"}}')
        self.asked, self.heard, self.worst = 0, 0, 0.0
        self.ears.sock.sendall(get(self.sid))
        (welcome,) = self.listen(5)
        assert welcome.startswith('40{"sid":'), welcome
        self.sing()

    def say(self, packet):
        (answer,) = self.mouth.ask(post(self.sid, packet))
        assert (answer.status, answer.body) == (200, b"ok"), answer

    def sing(self):
        self.asked, self.asked_at = self.asked + 1, time.monotonic()
        self.say(f'42{self.asked}["sing"]')

    def listen(self, seconds) -> list:
        """What has come by then; asks for more."""
        if not select.select([self.ears.sock], [], [], seconds)[0]:
            return []
        answer = self.ears.reader.answer()
        assert answer.status == 200, answer
        self.ears.sock.sendall(get(self.sid))
        return answer.text.split("\x1e")

    def live(self):
        """To be called often: answers pings, and says the next thing when the last is answered."""
        for packet in self.listen(0):
            if packet == "2":
                self.say("3")
            elif packet.startswith("43"):
                assert packet == f"43{self.asked}[]", packet
                self.heard = self.asked
                self.worst = max(self.worst, time.monotonic() - self.asked_at)
                self.sing()
        assert time.monotonic() - self.asked_at < 2.0, "nothing is echoed"

    def leave(self):
        self.say("1")
        for line in (self.mouth, self.ears):
            line.sock.close()


class Dead:
    """Sessions of clients that are gone, of some of whom the sockets are still there."""

    def __init__(self, gate, stack, good, shown):
        self.gate, self.stack, self.good = gate, stack, good
        self.deserted, self.joined = [], []
        # By descriptor: a socket that is to be heard of once more, and when its session was opened.
        self.probing, self.waiting = {}, {}
        self.poll = select.epoll()
        stack.callback(self.poll.close)
        self.timed_out_before = self.timed_out()
        self.began_at = time.monotonic()
        for number, token in enumerate(shown):
            self.open(f"127.7.{number // 250}.{number % 250 + 1}", token)
            self.look(0)
        self.opened_at = time.monotonic()

    def open(self, source, token):
        with Line(self.gate.port, source) as line:
            answers = line.ask(*[get()] * (EACH + 1))
            opened_at = time.monotonic()
            # In the second wave this says that every seat of the first came back, and no other.
            assert (answers[-1].status, answers[-1].code) == (429, "TOO_MANY_CONNECTIONS")
            sids = iter([name(it) for it in answers[:-1]])
            silent, joined, refused, probing, waiting = (
                [next(sids) for _ in range(count)]
                for count in (SILENT, JOINED, REFUSED, PROBING, WAITING)
            )
            for sid in probing:
                ws = raw.Ws(self.gate.port, there(sid, "websocket"), source)
                self.stack.enter_context(ws)
                ws.send("2probe")
                assert ws.text() == "3probe"
                self.probing[ws.sock.fileno()] = ws.sock, opened_at
                self.poll.register(ws.sock, select.EPOLLIN)
            knocks = [post(it, f'40{{"token":"{token}"}}') for it in joined + waiting]
            knocks += [post(it, '40{"token":"no.such.one"}') for it in refused]
            for answer in line.ask(*knocks):
                assert (answer.status, answer.body) == (200, b"ok"), answer
        for sid in waiting:
            # It fetches its welcome and asks for more.
            line = self.stack.enter_context(Line(self.gate.port, source))
            (welcome,) = line.ask(get(sid))
            assert welcome.text.startswith("40{"), welcome
            line.sock.sendall(get(sid))
            self.waiting[line.sock.fileno()] = line.sock, opened_at
            self.poll.register(line.sock, select.EPOLLIN)
        self.deserted += silent + refused + probing
        self.joined += joined + waiting

    def timed_out(self) -> int:
        return int(self.gate.metric("tidegate_pings_timed_out_total"))

    def look(self, seconds):
        """What the sockets that are still there are told, and when; the good one goes on."""
        ready = self.poll.poll(seconds)
        now = time.monotonic()
        for fd, _ in ready:
            self.poll.unregister(fd)
            if fd in self.probing:
                sock, opened_at = self.probing.pop(fd)
                assert JOIN_WITHIN - 0.2 < now - opened_at < JOIN_WITHIN + LATE
                # A close frame.
                assert sock.recv(2)[:1] == b"\x88"
            else:
                sock, opened_at = self.waiting.pop(fd)
                assert PING_EVERY - 0.2 < now - opened_at < PING_EVERY + LATE
                assert raw.Reader(sock).answer().body == b"2"
                sock.close()
        self.good.live()

    def end(self, watch):
        """Waits until all have ended by themselves. Nobody says anything to any of them."""
        first_at = self.began_at + PING_EVERY + PONG_WITHIN
        last_at = self.opened_at + PING_EVERY + PONG_WITHIN + LATE
        ended = 0
        while ended < len(self.joined) or self.probing or self.waiting:
            left = len(self.joined) - ended, len(self.probing), len(self.waiting)
            assert time.monotonic() < last_at, left
            self.look(0.05)
            ended = self.timed_out() - self.timed_out_before
            assert ended == 0 or first_at < time.monotonic(), ended
            watch.look()
        assert ended == len(self.joined)

    def are_unknown(self):
        """What they are told who come for any of them now."""
        with Line(self.gate.port) as line:
            sids = self.deserted + self.joined
            for some in (sids[it : it + 100] for it in range(0, len(sids), 100)):
                answers = line.ask(*[get(it) for it in some])
                assert {(it.status, it.body) for it in answers} == {UNKNOWN}
                self.good.live()


# What the process shows of the canary's two connections and the good one, and of nobody else.
HELD = {
    "tidegate_connections": 3,
    "tidegate_memberships": 2,
    "tidegate_channels": 2,
    "tidegate_sessions_live": 3,
    "tidegate_sessions_away": 0,
    "tidegate_outbox_bytes": 0,
    "tidegate_inbox_length": 0,
    # The good one's two, and the one that asks.
    "tidegate_http_connections": 3,
}


def descriptors_of(gate) -> int:
    return len(os.listdir(f"/proc/{gate.pid}/fd"))


def is_as_before(gate, descriptors, good) -> bool:
    """Whether nothing is held any more of a crowd that has gone."""
    good.live()
    metrics = gate.metrics()
    return {it: metrics[it] for it in HELD} == HELD and descriptors_of(gate) <= descriptors


def test_thousands_of_dead_polling_sessions_leave_nothing_behind(house):
    """F13: 3,000 sessions, twice: each ends by itself on time, and leaves all as it was."""
    with house.open(ROUTES + CHAT + QUICK + limits(EACH)) as gate:
        good, rss = Good(gate.port), []
        with watched(gate, grows_mib=30) as watch:
            # The good one's and the canary's, and two that come to look.
            descriptors = descriptors_of(gate) + 2
            until(lambda: is_as_before(gate, descriptors, good))
            shown = [tokens.token(f"dead{it}") for it in range(ADDRESSES)]
            for _ in range(2):
                # What is left of their sockets stays open on this side until all is as it was.
                with contextlib.ExitStack() as stack:
                    dead = Dead(gate, stack, good, shown)
                    dead.end(watch)
                    dead.are_unknown()
                    until(lambda: is_as_before(gate, descriptors, good))
                rss.append(gate.rss())
        # The first wave brings tables to their size, some ten MiB. Those after it take up to two
        # more, and a dozen of them little more than one does.
        kept = (rss[1] - rss[0]) / 2**20
        assert kept < KEPT_MIB, f"{kept:.1f} MiB of {ADDRESSES * EACH} sessions"
        assert 20 < good.heard and good.worst < 1.0, (good.heard, good.worst)
        good.leave()
        until(lambda: gate.connections() == 0)
        opened = gate.metric("tidegate_connections_opened_total")
        assert opened == gate.metric("tidegate_connections_closed_total")


def test_a_session_that_polls_takes_a_place_like_any_other(house):
    """F13: by address and in all, whoever joined or not; and each place comes back once."""
    server = SERVER + "connections_max = 50\n"
    with house.open(ROUTES + CHAT + limits(20), server) as gate, contextlib.ExitStack() as stack:
        first, second, third = (
            stack.enter_context(Line(gate.port, f"127.8.0.{it}")) for it in (1, 2, 3)
        )
        ours = [name(it) for it in first.ask(*[get()] * 20)]
        assert first.ask(post(ours[0], f'40{{"token":"{tokens.token()}"}}'))[0].body == b"ok"
        by_websocket = raw.asked(gate.port, there(transport="websocket"), "127.8.0.1")
        for answer in (*first.ask(get()), by_websocket):
            assert (answer.status, answer.code) == (429, "TOO_MANY_CONNECTIONS")
            assert 0 < int(answer.header("retry-after"))
        # A further namespace is a further place, which its address has not.
        first.ask(post(ours[0], f'40/more,{{"token":"{tokens.token()}"}}'))
        told = first.ask(get(ours[0]))[0].text
        while "44/more," not in told:
            told += first.ask(get(ours[0]))[0].text
        assert "TOO_MANY_CONNECTIONS" in told
        theirs = [name(it) for it in second.ask(*[get()] * 20) + third.ask(*[get()] * 10)]
        (answer,) = third.ask(get())
        assert (answer.status, answer.code) == (503, "SERVER_FULL")
        # There is none for a WebSocket of another dialect either.
        answer = raw.asked(gate.port, f"/ws?token={tokens.token()}")
        assert (answer.status, answer.code) == (503, "SERVER_FULL")
        # Two say goodbye, of whom one had joined, and two are let in; and so on.
        for sid in ours[:2]:
            assert first.ask(post(sid, "1"))[0].body == b"ok"
        until(lambda: gate.connections() == 0)
        assert [it.status for it in first.ask(*[get()] * 3)] == [200, 200, 503]
        assert second.ask(post(theirs[0], "1"))[0].body == b"ok"
        assert [it.status for it in (*first.ask(get()), *second.ask(get()))] == [429, 200]


def guesses(sid) -> dict:
    """Names that are nobody's, most of them near to one that is somebody's."""
    other = "A" if sid[-1] != "A" else "B"
    return {
        "the last letter": sid[:-1] + other,
        "the first letter": ("A" if sid[0] != "A" else "B") + sid[1:],
        "in other cases": sid.swapcase(),
        "cut": sid[:-1],
        "more": sid + "A",
        "all zeros": "A" * 24,
        "of a shard that is not": "____" + sid[4:],
        "of another server": "c" * 20,
        "of an object": "__proto__",
        "long": "a" * 4000,
        "quoted": f"%22{sid}%22",
        "in percents": "".join(f"%{ord(it):02x}" for it in sid),
    }


def test_a_name_that_is_nobodys_is_refused_like_one_that_has_ended(house):
    """F13: in the same words by GET, POST and WebSocket, and nobody near it notices."""
    with house.open(ROUTES + CHAT + OTHER + limits(20)) as gate:
        good = Good(gate.port)
        with Line(gate.port) as line:
            ended = name(*line.ask(get()))
            assert line.ask(post(ended, "1"))[0].body == b"ok"
        wrong = {"ended": ended, **guesses(good.sid)}
        for what, sid in wrong.items():
            for method, body in (("GET", None), ("POST", "40"), ("POST", "x" * 40_000)):
                answer = raw.http(gate.port, method, there(sid), body)
                assert (answer.status, answer.body) == UNKNOWN, (what, method, answer)
                good.live()
            answer = raw.asked(gate.port, there(sid, "websocket"))
            assert (answer.status, answer.body) == UNKNOWN, (what, answer)
        # Where another route is asked for it, a name that is somebody's is nobody's.
        for answer in (
            raw.http(gate.port, "GET", there(good.sid, path="/other/")),
            raw.asked(gate.port, there(good.sid, "websocket", "/other/")),
        ):
            assert (answer.status, answer.body) == UNKNOWN, answer
        heard = good.heard
        until(lambda: good.live() or heard < good.heard)
        good.leave()
