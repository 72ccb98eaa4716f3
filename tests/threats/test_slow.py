"""Whoever is slow, silent or too many: H7, L3, L4, F10."""

import contextlib
import json
import select
import time

import raw
import tokens
from gate import ROUTES, SERVER, until, watched

SILENT, DRIPPING, UNPROVEN = 400, 400, 200


def ended(socks, until_at) -> dict:
    """When the other side ended each of the sockets, by word (4001) or deed, until then."""
    poll, by_fd, when = select.epoll(), {it.fileno(): it for it in socks}, {}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    while by_fd and time.monotonic() < until_at:
        for fd, _ in poll.poll(0.05):
            with contextlib.suppress(BlockingIOError):
                with contextlib.suppress(ConnectionError):
                    while some := by_fd[fd].recv(65536):
                        if b"\x0f\xa1" in some:
                            break
                when[by_fd.pop(fd)] = time.monotonic()
                poll.unregister(fd)
    poll.close()
    return when


def test_a_thousand_that_never_finish_are_ended_on_time(gate):
    """H7: silent, a byte at a time, upgraded without a token; others are let in meanwhile."""
    with watched(gate, grows_mib=40) as watch, contextlib.ExitStack() as stack:
        began, socks, dripping = {}, [], []
        for index in range(SILENT + DRIPPING + UNPROVEN):
            sock = stack.enter_context(raw.connect(gate.port))
            began[sock] = time.monotonic()
            if SILENT <= index < SILENT + DRIPPING:
                sock.sendall(b"GET /ws HTTP/1.1\r\nX: ")
                dripping.append(sock)
            elif SILENT + DRIPPING <= index:
                sock.sendall(raw.handshake("/ws"))
            sock.setblocking(False)
            socks.append(sock)
        when = {}
        for _ in range(8):
            left = [it for it in socks if it not in when]
            when |= ended(left, time.monotonic() + 0.5)
            for sock in dripping:
                if sock not in when:
                    with contextlib.suppress(OSError):
                        sock.send(b"x")
            asked_at = time.monotonic()
            gate.ws(f"/ws?token={tokens.token()}").close()
            assert time.monotonic() - asked_at < 1.0
            watch.look()
        assert len(when) == len(socks), f"{len(socks) - len(when)} are still there"
        for sock, at in when.items():
            assert 1.5 < at - began[sock] < 3.3, at - began[sock]
    # The canary stayed; everyone else is forgotten.
    until(lambda: gate.connections() == 0)


def test_unproven_connections_are_counted_too(house):
    """H7: one address holds no more connections without a token than with one."""
    routes = ROUTES.replace('limits = "none"\nfirst_message', "limits = {attempts_per_address = \"none\"}\nfirst_message")
    with house.open(routes) as gate, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(gate.ws("/ws"))
        answer = raw.asked(gate.port, "/ws")
        assert (answer.status, answer.code) == (429, "TOO_MANY_CONNECTIONS")
        assert raw.asked(gate.port, f"/ws?token={tokens.token()}").status == 429
        elsewhere = f"/ws?token={tokens.token()}"
        assert raw.asked(gate.port, elsewhere, source="127.0.0.2").status == 101


def test_a_half_open_connection_is_noticed(house):
    """L3: a peer that is gone without a word is parted with, and its place is free again."""
    quick = 'ping_every = "1s"\npong_within = "1s"\n'
    routes = ROUTES.replace('path = "/ws"\n', f'path = "/ws"\n{quick}')
    routes = routes.replace('path = "/plain/{room}"\n', 'path = "/plain/{room}"\n' + quick)
    with house.open(routes) as gate:
        silent = [gate.ws(f"{path}?token={tokens.token()}") for path in ("/ws", "/plain/den")]
        lively = gate.ws(f"/plain/den?token={tokens.token()}")
        began = time.monotonic()
        # The silent ones take nothing off their sockets and answer nothing, as if unplugged.
        until(lambda: gate.metric("tidegate_pings_timed_out_total") == 2 or answered(lively), 6)
        assert 1.8 < time.monotonic() - began < 4.5
        # Figures are shown once a second.
        until(lambda: gate.connections() == 1 and gate.metric("tidegate_memberships") == 1)
        for ws in silent:
            closed = ws.end()
            assert closed.code == 4009, closed
        lively.close()
        until(lambda: gate.connections() == 0)


def answered(ws) -> None:
    """Answers what has been asked of a client that lives."""
    if select.select([ws.sock], [], [], 0)[0]:
        opcode, payload, _ = ws.frame()
        assert opcode == raw.PING
        ws.send(payload, raw.PONG)


def test_without_descriptors_nothing_spins_and_all_recovers(house):
    """L4: 256 descriptors, a thousand who want in: little work, few words, and soon as before."""
    with house.open(under=("prlimit", "--nofile=256:256")) as gate, contextlib.ExitStack() as stack:
        here = stack.enter_context(gate.ws(f"/ws?token={tokens.token()}"))
        here.json()
        crowd = stack.enter_context(contextlib.ExitStack())
        # Silent sockets end after two seconds, so the crowd shows its good tokens and stays.
        for _ in range(1000):
            sock = crowd.enter_context(raw.connect(gate.port))
            sock.sendall(raw.handshake(f"/ws?token={tokens.token()}"))
        before, words, began = gate.cpu(), len(gate.log().splitlines()), time.monotonic()
        while time.monotonic() < began + 4:
            # Whoever is here is served as ever.
            assert "pong" in here.ask(ping={})
            select.select([], [], [], 0.2)
        share = (gate.cpu() - before) / (time.monotonic() - began)
        assert share < 0.10, f"{share:.0%} of a core"
        assert len(gate.log().splitlines()) - words <= 5
        crowd.close()
        closed_at = time.monotonic()
        gate.ws(f"/ws?token={tokens.token()}", timeout=20).close()
        assert time.monotonic() - closed_at < 4.0
        assert "pong" in here.ask(ping={})
        assert 0 < gate.metric("tidegate_accept_errors_total")


# F10. -------------------------------------------------------------------------------------------

MEMBERS, SLOW, MESSAGES, BYTES = 200, 20, 3000, 4096


def payload(number: int) -> str:
    """All payloads are of one length, so that a reader can find its way by counting."""
    return json.dumps({"n": f"{number:08}", "pad": "x" * (BYTES - 29)})


FRAME = len(payload(0)) + 4


class Crowd:
    """Members that read everything and check that nothing is missing or out of order."""

    def __init__(self, members):
        self.poll, self.members = select.epoll(), {}
        for ws in members:
            ws.sock.setblocking(False)
            self.members[ws.sock.fileno()] = [ws.sock, bytearray(), 0]
            self.poll.register(ws.sock.fileno(), select.EPOLLIN)

    def read(self, seconds=0.0):
        for fd, _ in self.poll.poll(seconds):
            member = self.members[fd]
            with contextlib.suppress(BlockingIOError):
                some = member[0].recv(1 << 20)
                assert some, "a fast member was closed"
                member[1] += some
            whole = len(member[1]) // FRAME
            for index in range(whole):
                at = index * FRAME + 4
                number = int(member[1][at + 7 : at + 15])
                assert number == member[2], (number, member[2])
                member[2] += 1
            del member[1][: whole * FRAME]

    def least(self) -> int:
        return min(it[2] for it in self.members.values())


def test_whoever_does_not_read_is_closed_and_nobody_else_notices(house):
    """F10: 200 members, 20 of whom never read: closed with 4008 and counted; memory bounded."""
    server = SERVER + 'outbox_bytes_max = "256KiB"\n'
    routes = ROUTES + '[namespaces."*"]\nslow = "close"\n'
    with house.open(routes, server) as gate, contextlib.ExitStack() as stack:
        target = f"/plain/den?token={tokens.token()}"
        fast = [stack.enter_context(gate.ws(target)) for _ in range(MEMBERS - SLOW)]
        slow = [stack.enter_context(gate.ws(target, rcvbuf=2048)) for _ in range(SLOW)]
        # What a socket holds in the kernel is not the gate's memory; 20 outboxes are 5 MiB.
        with watched(gate, grows_mib=50) as watch:
            there = "/api/channels/room:den"
            until(lambda: gate.http("GET", there).json["members"] == MEMBERS)
            crowd = Crowd(fast)
            mouth = stack.enter_context(gate.ws(f"/ws?token={tokens.token()}"))
            for number in range(MESSAGES):
                data = json.loads(payload(number))
                mouth.send('{"publish":{"channel":"room:den","data":%s}}' % json.dumps(data))
                # Not faster than it is read, or the fast ones would be slow as well.
                while crowd.least() < number - 20:
                    crowd.read(0.05)
                if number % 200 == 0:
                    watch.look()
            deadline = time.monotonic() + 20
            while crowd.least() < MESSAGES:
                crowd.read(0.05)
                assert time.monotonic() < deadline, crowd.least()
        metrics = gate.metrics()
        assert metrics["tidegate_connections_closed_slow_total"] == SLOW
        assert metrics['tidegate_connections_closed_total{number="4008"}'] == SLOW
        assert gate.connections() == MEMBERS - SLOW + 1
        # Shown once a second.
        until(lambda: gate.metric("tidegate_outbox_bytes") == 0)


def test_a_slow_reader_that_wakes_up_is_told_why(house):
    """F10: the close number 4008 says what to do: come back, and recover what was missed."""
    server = SERVER + 'outbox_bytes_max = "64KiB"\n'
    with house.open(server=server) as gate:
        with gate.ws(f"/plain/den?token={tokens.token()}", rcvbuf=2048) as slow:
            gate.joined(slow, "room:den")
            mouth = gate.ws(f"/ws?token={tokens.token()}")
            wide = "x" * 60_000
            for _ in range(400):
                mouth.say({"publish": {"channel": "room:den", "data": wide}})
            until(lambda: gate.metric("tidegate_connections_closed_slow_total") == 1)
            assert slow.end().code == 4008
            mouth.close()


def test_where_a_gap_is_allowed_it_is_told(house):
    """F10: a namespace that drops says from where to where."""
    server = SERVER + 'outbox_bytes_max = "64KiB"\n'
    routes = ROUTES + '[namespaces."*"]\nslow = "drop"\n'
    with house.open(routes, server) as gate:
        with gate.ws(f"/ws?token={tokens.token()}", rcvbuf=2048) as slow:
            slow.json()
            assert "subscribed" in slow.ask(subscribe={"channel": "den"})
            mouth = gate.ws(f"/ws?token={tokens.token()}")
            mouth.json()
            count = 400
            for _ in range(count):
                mouth.say({"publish": {"channel": "den", "data": "x" * 60_000}})
            assert "pong" in mouth.ask(ping={})
            until(lambda: 0 < gate.metric("tidegate_deliveries_dropped_total"))
            last, missed = 0, 0
            while last < count:
                said = slow.json()
                if "gap" in said:
                    gap = said["gap"]
                    assert gap["from"] == last + 1 and gap["from"] <= gap["to"], (last, gap)
                    missed, last = missed + gap["to"] - gap["from"] + 1, gap["to"]
                else:
                    assert said["publication"]["offset"] == last + 1
                    last += 1
            assert 0 < missed == gate.metric("tidegate_deliveries_dropped_total")
            mouth.close()
