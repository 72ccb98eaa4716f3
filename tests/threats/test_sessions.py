"""Those who may not stay: A9. (A8 is in test_tokens.py, A13 in test_logs.py.)"""

import contextlib
import select
import time

import pytest
import raw
import tokens
from gate import ROUTES

EACH = 60


def session_of(ws) -> str:
    return ws.json()["connected"]["session"]


def ends(crowd, within) -> list[float]:
    """How long it takes until each has been told 4001; nobody may need longer than `within`."""
    poll, by_fd, took = select.epoll(), {it.sock.fileno(): it for it in crowd}, []
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    began = time.monotonic()
    while by_fd and time.monotonic() < began + within:
        for fd, _ in poll.poll(0.02):
            if b"\x0f\xa1" in by_fd[fd].sock.recv(65536):
                took.append(time.monotonic() - began)
                poll.unregister(fd)
                by_fd.pop(fd)
    poll.close()
    assert not by_fd, f"{len(by_fd)} are still here after {within} s"
    return took


@pytest.mark.parametrize("what", ["user", "jti", "session"])
def test_who_is_revoked_is_out_within_a_second_and_stays_out(gate, what):
    """A9: on every shard and in both dialects, by user, token and session; nobody else goes."""
    user = f"revoked-{what}"
    shown = tokens.token(user, jti=f"jti-{what}")
    with contextlib.ExitStack() as stack:
        open_ = lambda target: stack.enter_context(gate.ws(target))
        others = [open_(f"/ws?token={tokens.token('other')}") for _ in range(EACH)]
        crowd = [open_(f"/ws?token={shown}") for _ in range(EACH if what != "session" else 1)]
        sessions = [session_of(it) for it in crowd]
        if what != "session":
            crowd += [open_(f"/plain/den?token={shown}") for _ in range(EACH)]
        value = {"user": user, "jti": f"jti-{what}", "session": sessions[0]}[what]
        began = time.monotonic()
        answer = gate.http("POST", "/api/revoke", {what: value})
        assert answer.status == 200 and answer.json["closed"] == len(crowd), answer
        ends(crowd, 1.0)
        assert time.monotonic() - began < 1.0
        for ws in others[:: EACH // 4]:
            ws.json()
            assert "pong" in ws.ask(ping={})
        # Nothing that is revoked opens anything again.
        fresh = tokens.token(user)
        tries = [(shown, f"&session={sessions[0]}"), (None, f"session={sessions[0]}")]
        if what != "session":
            tries += [(shown, "")]
        if what == "user":
            tries += [(fresh, ""), (fresh, f"&session={sessions[0]}")]
        for token, more in tries:
            query = f"token={token}{more}" if token else more
            if token is None:
                # Without a token the first message has to bring one.
                with gate.ws(f"/ws?{query}") as ws:
                    ws.say({"connect": {"token": shown}})
                    assert ws.end().code == 4001
                continue
            answer = raw.asked(gate.port, f"/ws?{query}")
            assert (answer.status, answer.code) == (401, "TOKEN_REVOKED"), (what, query)
        headers = [("Authorization", f"Bearer {shown}")]
        if what != "session":
            answer = gate.http("POST", "/api/tokens/refresh", None, headers, key=None)
            assert (answer.status, answer.code) == (401, "TOKEN_REVOKED"), answer
        if what == "jti":
            # The same user, and another token: that it is revoked is all that is wrong with it.
            with gate.ws(f"/ws?token={fresh}") as ws:
                ws.json()
                ws.say({"id": 1, "refresh": {"token": shown}})
                assert ws.json()["error"]["code"] == "TOKEN_REVOKED"
