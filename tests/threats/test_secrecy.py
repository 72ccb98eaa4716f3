"""Tokens and keys are in nothing that anybody reads: A7."""

import contextlib
import json
import re

import raw
import tokens
from gate import API_KEYS, CANARY, COMMON, OTHER_SECRET, ROUTES, SECRET, SERVER

COOKIE = """
[[routes]]
path = "/cookie"
tokens = "access"
from = ["cookie:token"]
origins = ["https://good.com"]
refusal = "close"
limits = "none"
[[routes]]
path = "/asked"
tokens = "access"
app = "echo"
origins = "*"
limits = "none"
[monitoring]
tokens = "access"
[log]
level = "trace"
"""


def shown(gate, token):
    """Every way to show a token, on every kind of route, rightly and wrongly."""
    as_protocol = [("Sec-WebSocket-Protocol", f"tidegate.v1, bearer.{token}")]
    as_bearer = [("Authorization", f"Bearer {token}")]
    as_cookie = [("Cookie", f"a=b; token={token}")]
    for target in (
        *(f"{path}?token={token}" for path in ("/ws", "/plain/den", "/asked", "/nowhere", "/echo")),
        *(f"/plain/{token[:60]}?token={token}", f"/ws?token={token}&token={token}"),
        *(f"/ws?access_token={token}", f"/ws?TOKEN={token}", f"/{token[:100]}"),
    ):
        yield raw.asked(gate.port, target)
        yield raw.asked(gate.port, target, origin="https://evil.com", host="evil.test")
        yield raw.asked(gate.port, target, headers=[("Upgrade", "x"), ("Sec-WebSocket-Key", "x")])
    for path in ("/ws", "/plain/den", "/asked", "/cookie"):
        for headers in (as_protocol, as_bearer, as_cookie, as_bearer * 2, as_protocol * 2):
            with contextlib.suppress(EOFError, ConnectionError):
                yield raw.asked(gate.port, path, headers=headers, origin="https://good.com")
    for path in ("/", "/metrics", "/api/publish", "/api/channels/den", "/nowhere", "/health"):
        for headers in (as_bearer, as_cookie, [("X-API-Key", token)], [("Referer", f"http://x/?token={token}")]):
            yield gate.http("GET", f"{path}?token={token}", headers=headers, key=None, source=raw.fresh())
            body = {"channel": token, "data": token, "user": token, "reason": token}
            yield gate.http("POST", path, body, headers, key=None, source=raw.fresh())


def test_a_token_shown_anywhere_is_in_no_log_at_any_level(house):
    """A7: at `trace`, good, expired, forged and garbage tokens by every way; a wrong API key too."""
    with house.open(ROUTES + COOKIE) as gate:
        good = tokens.token()
        head, body, signature = good.split(".")
        for token in (
            good,
            tokens.token(ttl=-5),
            tokens.other(),
            tokens.token(secret="x" * 40),
            tokens.remember(f"{CANARY}.{body}.{signature}"),
            tokens.remember(f"{CANARY}{'x' * 40}"),
            API_KEYS["admin"],
        ):
            for answer in shown(gate, token):
                assert token not in repr(answer)
            for first in (
                {"id": 1, "connect": {"token": token}},
                {"id": 1, "connect": {"token": token, "x": 1}},
                {"token": token},
                token,
            ):
                with gate.ws("/ws") as ws:
                    ws.send(first if isinstance(first, str) else json.dumps(first))
                    said = ws.json()
                    assert token not in json.dumps(said)
                    if "connected" in said:
                        said = ws.ask(refresh={"token": token})
                        assert token not in json.dumps(said)
                        said = ws.ask(subscribe={"channel": token})
                        ws.send(json.dumps({"id": 9, token: 1}))
                        assert token not in json.dumps(ws.json())
        house.listen(gate)
        # A slot of the connection's own life: who is there is told without how they came.
        with gate.ws(f"/ws?token={good}") as ws:
            ws.json()
            house.listen(gate)
        assert "TRACE" in gate.log() or "DEBUG" in gate.log()
        found = [it for it in (good, signature, CANARY) if it in gate.log()]
        assert not found, found


def test_a_fault_in_the_configuration_does_not_repeat_a_secret(house):
    """A7: a secret written where a name belongs is not shown in the fault."""
    for wrong in (
        f'[keys.x]\nsecret = "{SECRET}"\n',
        f'[keys.x]\nsecret = {{ env = "{SECRET}" }}\n',
        f'[keys.x]\nsecret = {{ text = "{SECRET}" }}\n',
        f'[keys.x]\npublic_key = "{SECRET}"\n',
        f'[[api.keys]]\nname = "x"\nsecret = "{SECRET}"\nscopes = ["read"]\n',
    ):
        status, _ = house.check(SERVER + COMMON + ROUTES + wrong)
        assert status != 0


def test_secrecy_of_it_all(house, gate):
    """A7: runs last: nothing that any gate of this run has logged or answered holds a secret."""
    house.listen(gate)
    signatures = set()
    for token in tokens.minted:
        parts = token.split(".")
        # Forged tokens have parts that mean nothing; a signature of ours is as good as the token.
        if 3 <= len(parts) and 40 <= len(parts[2]):
            signatures.add(parts[2])
    said = [(str(path), path.read_text(errors="replace")) for path in house.logs]
    said += house.said
    said += [("answers", b"\n".join(raw.heard).decode(errors="replace"))]
    assert 10_000 < sum(len(text) for _, text in said) and 10 < len(signatures)
    for where, text in said:
        for secret in (CANARY, SECRET, OTHER_SECRET, *API_KEYS.values()):
            assert secret not in text, where
        assert not signatures & set(re.findall(r"[A-Za-z0-9_-]{40,}", text)), where
