"""Forged, exchanged and expired tokens: A1, A2, A3, A5, A6, A8, A10."""

import base64
import contextlib
import hashlib
import hmac
import select
import socket
import threading
import time

import pytest
import raw
import tokens
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from gate import API_KEYS, ROUTES, SECRET

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PKCS1 = serialization.PublicFormat.PKCS1


def refused(gate, token, path="/plain/den"):
    """The one answer to a bad token, in the query and in the first message."""
    tokens.remember(token)
    answer = raw.asked(gate.port, f"{path}?token={token}")
    assert answer.status == 401, (answer, token[:80])
    return answer


def closed(gate, token, path="/ws"):
    with gate.ws(path) as ws:
        ws.say({"id": 1, "connect": {"token": token}})
        return ws.end()


def hs256(header, claims, secret) -> str:
    body = f"{tokens.b64(header)}.{tokens.b64(claims)}"
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return f"{body}.{tokens.b64(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def test_no_token_names_its_own_algorithm(gate):
    """A1: `none` in every spelling, no algorithm, a signature taken off: one answer to all."""
    good = tokens.token()
    claims = tokens.claims()
    head, body, signature = good.split(".")
    forged = [tokens.assembled({"alg": it, "typ": "JWT"}, claims) for it in NONES]
    forged += [tokens.assembled({"typ": "JWT"}, claims), tokens.assembled({}, claims)]
    forged += [f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature}."]
    forged += [f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body}.{signature[:-2]}"]
    forged += [f"{tokens.b64({'alg': 'none'})}.{body}.{signature}", f"{head}..{signature}", "..", "a.b.c"]
    forged += [hs256({"alg": "HS512"}, claims, SECRET), hs256({"alg": "HS256"}, claims, "x" * 32)]
    answers = {refused(gate, it).body for it in forged}
    assert len(answers) == 1, answers
    goodbyes = {(it.code, it.reason) for it in (closed(gate, it) for it in forged)}
    assert len(goodbyes) == 1 and goodbyes.pop()[0] == 4001
    # Not even how long it takes says more; generous, since anything else runs here too.
    took = []
    for it in (forged[0], f"{head}.{body}.{'A' * len(signature)}"):
        began = time.monotonic()
        for _ in range(50):
            refused(gate, it)
        took.append(time.monotonic() - began)
    assert max(took) < 5 * min(took)
    assert raw.asked(gate.port, f"/plain/den?token={good}").status == 101


NONES = ["none", "None", "NONE", "nOnE", "", " none", "none ", None, 0, [], ["HS256"], "hs256", "HS256 "]


@pytest.fixture(scope="module")
def keyed(house, tmp_path_factory):
    """A gate that verifies with public keys, one of each kind, and the keys."""
    folder = tmp_path_factory.mktemp("keys")
    private = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    lines = ""
    for name, key in private.items():
        (folder / f"{name}.pem").write_bytes(key.public_key().public_bytes(PEM, SPKI))
        lines += f"""
[keys.{name}]
public_key = {{ file = "{folder}/{name}.pem" }}
[tokens.{name}]
keys = ["{name}"]
[[routes]]
path = "/{name}"
tokens = "{name}"
origins = "*"
limits = "none"
"""
    with house.open(ROUTES + lines) as gate:
        yield gate, private


def spellings(key) -> list[bytes]:
    """A public key in every form that somebody could take for a secret."""
    public = key.public_key()
    pem = public.public_bytes(PEM, SPKI)
    forms = [pem, pem.rstrip(b"\n"), pem.replace(b"\n", b""), pem.replace(b"\n", b"\r\n")]
    forms += [pem + b"\n", pem + b"\0", public.public_bytes(DER, SPKI)]
    forms += [b"".join(pem.splitlines()[1:-1])]
    if isinstance(key, rsa.RSAPrivateKey):
        forms += [public.public_bytes(PEM, PKCS1), public.public_bytes(DER, PKCS1)]
        number = public.public_numbers().n.to_bytes(256, "big")
        forms += [number, base64.urlsafe_b64encode(number).rstrip(b"=")]
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        forms += [public.public_bytes_raw()]
    return forms


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_nobodys_secret(keyed, algorithm):
    """A2: HS256 signed with the public key, in every spelling of it."""
    gate, private = keyed
    claims = tokens.claims()
    good = tokens.token(secret=private[algorithm], algorithm=algorithm)
    assert raw.asked(gate.port, f"/{algorithm}?token={good}").status == 101
    for form in spellings(private[algorithm]):
        for name in ("HS256", "HS384", "HS512"):
            digest = getattr(hashlib, f"sha{name[2:]}")
            body = f"{tokens.b64({'alg': name, 'typ': 'JWT'})}.{tokens.b64(claims)}"
            signature = tokens.b64(hmac.digest(form, body.encode(), digest))
            refused(gate, f"{body}.{signature}", f"/{algorithm}")
    for other in private:
        if other != algorithm:
            refused(gate, tokens.token(secret=private[other], algorithm=other), f"/{algorithm}")


class Trap(threading.Thread):
    """A server that nobody should ever ask anything."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}/keys.json"
        self.asked = 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.sock.accept()[0].close()
                self.asked += 1


def test_a_key_id_leads_nowhere(gate):
    """A3: names that are paths, statements, addresses; keys and addresses that a token brings."""
    trap, mine = Trap(), rsa.generate_private_key(65537, 2048)
    numbers = mine.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "n": tokens.b64(numbers.n.to_bytes(256, "big")),
        "e": "AQAB",
        "kid": "mine",
    }
    kids = ["../../dev/null", "/dev/null", "' OR 1=1 --", "a\r\nX: y", "", "x" * 129, "x" * 10_000]
    kids += [trap.url, "file:///etc/passwd", "a\0b", "*", "\u202e", 5, None, {"a": 1}, ["main"]]
    for kid in kids:
        for secret in (b"", SECRET):
            token = hs256({"alg": "HS256", "kid": kid}, tokens.claims(), secret)
            answer = raw.asked(gate.port, f"/plain/den?token={tokens.remember(token)}")
            # A name that is a word, and no key's, is passed over where the signature is good.
            assert answer.status in ((401,) if secret == b"" else (401, 101)), kid
    for more in (
        {"jwk": jwk},
        {"jku": trap.url},
        {"x5u": trap.url},
        {"jku": trap.url, "kid": "mine", "jwk": jwk},
        {"x5c": ["MIIB"]},
    ):
        refused(gate, tokens.token(secret=mine, algorithm="RS256", headers=more))
    long = hs256({"alg": "HS256", "kid": "x" * 14_000}, tokens.claims(), SECRET)
    with contextlib.suppress(ConnectionError):
        assert raw.asked(gate.port, f"/plain/den?token={tokens.remember(long)}").status in (401, 431)
    with gate.ws("/ws") as ws:
        huge = hs256({"alg": "HS256", "kid": "x" * 10_000_000}, tokens.claims(), SECRET)
        with contextlib.suppress(ConnectionError):
            ws.say({"id": 1, "connect": {"token": huge}})
        assert ws.end().code in (1009, 1006)
    assert trap.asked == 0


NUMBERS = '"999" "9999999999" true false null [] {} [9999999999] -1 1e400 -1e400 "" 0 1e308'.split()


def test_a_time_is_a_number(gate):
    """A5: any other JSON in exp is refused over the wire too; the model is in crates/token."""

    def claims(exp, more=""):
        return ('{"sub":"ann","token_type":"access","exp":%s%s}' % (exp, more)).encode()

    for exp in NUMBERS:
        token = hs256({"alg": "HS256"}, claims(exp), SECRET)
        if exp != "1e308":
            refused(gate, token)
        else:
            assert raw.asked(gate.port, f"/plain/den?token={tokens.remember(token)}").status in (101, 401)
    refused(gate, tokens.token(exp=None))
    soon = int(time.time()) + 600
    for more in (',"nbf":"1"', ',"nbf":%d' % soon, ',"exp":0', ',"sub":[]', ',"aud":"other"'):
        refused(gate, hs256({"alg": "HS256"}, claims(soon, more), SECRET))
    for sub in ("null", "[]", '{"a":1}', "true", '""', "1.5"):
        text = '{"sub":%s,"token_type":"access","exp":%d}' % (sub, soon)
        refused(gate, hs256({"alg": "HS256"}, text.encode(), SECRET))
    answer = refused(gate, tokens.token(ttl=-1))
    assert answer.code == "TOKEN_EXPIRED"


def test_a_token_is_good_for_what_it_was_made(house):
    """A6: of another audience, another type, another key; keys as tokens and tokens as keys."""
    routes = (
        ROUTES
        + """
[[routes]]
path = "/other"
tokens = "other"
origins = "*"
limits = "none"
[monitoring]
tokens = "access"
"""
    )
    with house.open(routes) as gate:
        assert raw.asked(gate.port, f"/other?token={tokens.other()}").status == 101
        refused(gate, tokens.other())
        refused(gate, tokens.token(), "/other")
        refused(gate, tokens.token(token_type="refresh"))
        refused(gate, tokens.token(token_type=None))
        refused(gate, tokens.token(aud="other"))
        refused(gate, tokens.other(aud="access"), "/other")
        refused(gate, tokens.other(aud=None), "/other")
        for key in API_KEYS.values():
            refused(gate, key)
            assert closed(gate, key).code == 4001
        admin = tokens.token(role="Admin")
        figures = "/api/monitoring/websocket/metrics"
        assert bearer(gate, "GET", figures, admin).status == 200
        assert bearer(gate, "GET", figures, tokens.token()).status == 403
        assert bearer(gate, "GET", figures, tokens.other(role="Admin")).status == 401
        assert bearer(gate, "GET", figures, tokens.token(role="Admin", ttl=-5)).status == 401
        for path in ("/api/publish", "/api/broadcast", "/api/disconnect"):
            assert bearer(gate, "POST", path, admin, {}).status == 401
        assert bearer(gate, "GET", "/api/channels/a", admin).status == 401


def bearer(gate, method, path, token, body=None):
    return gate.http(method, path, body, [("Authorization", f"Bearer {token}")], key=None)


# A8. --------------------------------------------------------------------------------------------

# The clock of tokens has whole seconds, and ends are spread over most of another.
LATE = 2.2


def test_a_connection_ends_with_its_token(gate):
    """A8: told, then closed at the end of the token; a newer token of the same user keeps it."""
    exp = int(time.time()) + 3
    with gate.ws(f"/ws?token={tokens.token(exp=exp)}") as ends:
        with gate.ws(f"/ws?token={tokens.token(exp=exp)}") as stays:
            with gate.ws(f"/plain/den?token={tokens.token(exp=exp)}") as plain:
                assert ends.json()["connected"]["expires_at"] == exp
                assert "expiring" in ends.json()
                stays.json(), stays.json()
                assert "refreshed" in stays.ask(refresh={"token": tokens.token()})
                for ws in (ends, plain):
                    assert ws.end().code == 4001
                    assert 0 <= time.time() - exp < LATE
                assert "pong" in stays.ask(ping={})


def test_a_newer_token_must_be_as_good_and_of_the_same_user(gate):
    """A8: with a bad token, or another user's, nobody becomes somebody else or stays longer."""
    exp = int(time.time()) + 3
    with gate.ws(f"/ws?token={tokens.token('ann', exp=exp)}") as ws:
        ws.json(), ws.json()
        bad = [tokens.token(ttl=-5), tokens.other(), "x", tokens.assembled({"alg": "none"}, {})]
        for token in bad:
            said = ws.ask(refresh={"token": token})
            assert said["error"]["code"] in ("INVALID_TOKEN", "TOKEN_EXPIRED"), said
        channel = f"whoami:{exp}"
        assert "subscribed" in ws.ask(subscribe={"channel": channel})
        ws.say({"publish": {"channel": channel, "data": 1}})
        assert ws.json()["publication"]["user"] == "ann"
        assert ws.end().code == 4001 and time.time() - exp < LATE
    for other in ("bob", "ann "):
        with gate.ws(f"/ws?token={tokens.token('ann')}") as ws:
            ws.json()
            ws.say({"id": 1, "refresh": {"token": tokens.token(other)}})
            assert ws.end().code == 4003, other


def test_tokens_that_end_together_do_not_end_in_one_spike(gate):
    """A8: two hundred of them, spread over most of a second."""
    exp = int(time.time()) + 4
    with contextlib.ExitStack() as stack:
        token = tokens.token(exp=exp)
        crowd = [stack.enter_context(gate.ws(f"/plain/den?token={token}")) for _ in range(200)]
        poll, ended = select.epoll(), {}
        by_fd = {it.sock.fileno(): it for it in crowd}
        for fd in by_fd:
            poll.register(fd, select.EPOLLIN)
        deadline = time.monotonic() + 8
        while len(ended) < 200 and time.monotonic() < deadline:
            for fd, _ in poll.poll(0.1):
                if b"\x0f\xa1" in by_fd[fd].sock.recv(65536):
                    ended[fd] = time.time()
                    poll.unregister(fd)
        poll.close()
        assert len(ended) == 200
        tenths = [int((it - exp) * 10) for it in ended.values()]
        assert 0 <= min(tenths) and max(tenths) < LATE * 10
        fullest = max(tenths.count(it) for it in set(tenths))
        assert 5 <= len(set(tenths)) and fullest <= 70, sorted(tenths)
        # Deadlines are kept by tenths of a second, so those of one tenth do end together.
        hundredths = [int((it - exp) * 100) for it in ended.values()]
        fullest = max(hundredths.count(it) for it in set(hundredths))
        assert fullest <= 40, sorted(hundredths)


# A10. -------------------------------------------------------------------------------------------


def test_nobody_is_what_they_say_beside_the_token(house):
    """A10: scopes, roles and names in commands, queries and headers change nothing."""
    permissions = """
[[permissions]]
allow = ["subscribe", "publish"]
channels = ["staff:*"]
require = { role = ["staff"] }
[[permissions]]
allow = ["subscribe", "publish"]
channels = ["user:{user}"]
"""
    routes = ROUTES[: ROUTES.index("[[permissions]]")] + permissions
    with house.open(routes) as gate:
        beside = [
            {"connect": {"token": tokens.token(), "scopes": ["operator.admin"]}},
            {"connect": {"token": tokens.token(), "user": "root"}},
            {"connect": {"token": tokens.token()}, "role": "staff"},
            {"connect": {"token": tokens.token()}, "user_id": "root", "scopes": ["admin"]},
        ]
        for command in beside:
            with gate.ws("/ws") as ws:
                ws.say({"id": 1, **command})
                said = ws.json()
                assert said["error"]["code"] in ("BAD_COMMAND", "UNKNOWN_COMMAND"), said
        target = f"/ws?token={tokens.token()}&role=staff&user=root&scopes=admin"
        headers = [("X-User", "root"), ("X-Role", "staff"), ("X-Scopes", "admin")]
        with gate.ws(target, headers=headers) as ws:
            assert ws.json()["connected"]["user"] == "ann"
            for channel in ("staff:a", "user:root"):
                for command in ("subscribe", "publish"):
                    body = {"channel": channel} | ({"data": 1} if command == "publish" else {})
                    assert ws.ask(**{command: body})["error"]["code"] == "DENIED"
            assert "subscribed" in ws.ask(subscribe={"channel": "user:ann"})
        with gate.ws(f"/ws?token={tokens.token(role='staff')}") as ws:
            ws.json()
            assert "subscribed" in ws.ask(subscribe={"channel": "staff:a"})
