"""Key sets that issuers publish, and what can be done to them: A4."""

import contextlib
import http.server
import json
import threading
import time

import jwt
import pytest
import raw
import tokens
from cryptography.hazmat.primitives.asymmetric import rsa
from gate import ROUTES, until


class Issuers(http.server.ThreadingHTTPServer):
    """Two issuers whose keys have the same name, on one server that can be made to fail."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.keys = {it: rsa.generate_private_key(65537, 2048) for it in ("a", "b")}
        self.asked: list[str] = []
        self.mood = "good"
        self.elsewhere = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def published(self, name) -> bytes:
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key()))
        return json.dumps({"keys": [jwk | {"kid": "same", "use": "sig", "alg": "RS256"}]}).encode()

    def token(self, signer, claimed=None, kid="same", **more):
        claimed = claimed or signer
        return tokens.token(
            secret=self.keys[signer],
            algorithm="RS256",
            headers={"kid": kid},
            iss=f"https://{claimed}.test",
            **more,
        )


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name, mood = self.path.strip("/"), self.server.mood
        self.server.asked.append(name)
        if name not in self.server.keys:
            return self.answer(404, b"")
        match mood:
            case "good":
                self.answer(200, self.server.published(name))
            case "broken":
                self.answer(500, b"{}")
            case "garbage":
                self.answer(200, b"<html>")
            case "empty":
                self.answer(200, b'{"keys":[]}')
            case "large":
                self.answer(200, self.server.published(name)[:-1] + b" " * (10 << 20) + b"}")
            case "redirect":
                self.send_response(302)
                self.send_header("Location", self.server.url("elsewhere"))
                self.end_headers()
            case "slow":
                time.sleep(8)
            case "down":
                self.close_connection = True

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def routes(issuers, pause):
    text = ROUTES + f'\n[jwks]\npause = "{pause}"\nabsent = "1s"\n'
    for name in ("a", "b"):
        text += f"""
[keys.{name}]
jwks = {{ url = "{issuers.url(name)}" }}
[tokens.{name}]
keys = ["{name}"]
issuer = ["https://{name}.test"]
[[routes]]
path = "/{name}"
tokens = "{name}"
from = ["query:token", "message"]
origins = "*"
limits = "none"
"""
    return text


@pytest.fixture
def issuers():
    server = Issuers()
    yield server
    server.shutdown()
    server.server_close()


def status(gate, path, token):
    return raw.asked(gate.port, f"{path}?token={token}").status


@pytest.mark.parametrize("first,second", [("a", "b"), ("b", "a")])
def test_two_issuers_that_call_their_keys_alike_share_nothing(house, issuers, first, second):
    """A4: a token of A that claims to be of B, whichever set was fetched first; no claim is a URL."""
    with house.open(routes(issuers, "30s")) as gate:
        assert status(gate, f"/{first}", issuers.token(first)) == 101
        for _ in range(3):
            assert status(gate, f"/{second}", issuers.token(first, claimed=second)) == 401
            assert status(gate, f"/{first}", issuers.token(first, claimed=second)) == 401
            assert status(gate, f"/{second}", issuers.token(first)) == 401
            assert status(gate, f"/{second}", issuers.token(second)) == 101
            assert status(gate, f"/{first}", issuers.token(first)) == 101
        template = issuers.url("{{iss}}")
        for more in (issuers.url("evil"), "a/../b", "../b", template):
            assert status(gate, "/a", issuers.token("a", aud=more)) == 401
            forged = tokens.token(secret=issuers.keys["b"], algorithm="RS256", iss=more)
            assert status(gate, "/a", forged) == 401
        assert sorted(issuers.asked) == ["a", "b"]


def test_ever_new_key_names_cause_one_fetch(house, issuers):
    """A4: a thousand tokens with names of their own: one fetch for the first and one to look again."""
    with house.open(routes(issuers, "30s")) as gate:
        forged = [issuers.token("b", claimed="a", kid=f"k{it}") for it in range(20)]
        parts = [it.split(".", 1)[1] for it in forged]
        for index in range(1000):
            kid = tokens.b64({"alg": "RS256", "kid": f"kid-{index}"})
            assert status(gate, "/a", f"{kid}.{parts[index % 20]}") == 401
        assert status(gate, "/a", issuers.token("a")) == 101
        assert issuers.asked.count("a") <= 2 and "b" not in issuers.asked


def test_many_who_wait_for_keys_wait_for_one_fetch(house, issuers):
    """A4: a hundred at once before the first fetch is answered."""
    with house.open(routes(issuers, "30s")) as gate, contextlib.ExitStack() as stack:
        token, socks = issuers.token("a"), []
        for _ in range(100):
            sock = stack.enter_context(raw.connect(gate.port))
            sock.sendall(raw.handshake(f"/a?token={token}"))
            socks.append(sock)
        assert {raw.Reader(it).answer().status for it in socks} == {101}
        assert issuers.asked == ["a"]


@pytest.mark.parametrize("mood", ["broken", "garbage", "empty", "large", "redirect", "down", "slow"])
def test_old_keys_serve_while_new_ones_cannot_be_had(house, issuers, mood):
    """A4: a server that is down, slow, too talkative or elsewhere; good keys stay good."""
    with house.open(routes(issuers, "1s")) as gate:
        assert status(gate, "/a", issuers.token("a")) == 101
        issuers.mood = mood
        before, asked = gate.rss(), len(issuers.asked)

        def ask_again():
            """A name that nobody knows makes the gate look, once the pause is over."""
            # It may be kept waiting for the fetch, as long as a handshake may take.
            with raw.connect(gate.port) as sock:
                sock.sendall(raw.handshake(f"/a?token={issuers.token('a', kid='new')}"))
                began = time.monotonic()
                assert status(gate, "/a", issuers.token("a")) == 101
                assert time.monotonic() - began < 1.0
                assert raw.Reader(sock).answer().status in (401, 503)
            return asked < len(issuers.asked)

        until(ask_again, every=0.2)
        assert status(gate, "/a", issuers.token("a")) == 101
        assert "elsewhere" not in issuers.asked
        assert gate.rss() - before < 8 << 20
        if mood == "large":
            assert "keys not renewed" in gate.log()


def test_keys_that_never_came_are_our_fault(house, issuers):
    """A4: 503 and not 401, so that clients keep their token; and others are not held up."""
    issuers.mood = "broken"
    with house.open(routes(issuers, "30s")) as gate:
        answer = raw.asked(gate.port, f"/a?token={issuers.token('a')}")
        assert (answer.status, answer.code) == (503, "AUTH_UNAVAILABLE")
        assert status(gate, "/plain/den", tokens.token()) == 101


def test_a_first_message_waits_for_keys_like_a_handshake(house, issuers):
    """A4: whoever is upgraded already is not turned away because it is the first of its issuer."""
    native = '[[routes]]\npath = "/native"\ndialect = "native"\ntokens = "a"\norigins = "*"\n'
    text = routes(issuers, "30s") + native + 'from = ["message"]\nlimits = "none"\n'
    with house.open(text) as gate, gate.ws("/native") as ws:
        assert "connected" in ws.ask(connect={"token": issuers.token("a")})
        assert issuers.asked == ["a"]
    issuers.mood = "broken"
    with house.open(text) as gate, gate.ws("/native") as ws:
        ws.say({"id": 1, "connect": {"token": issuers.token("a")}})
        assert ws.json()["closing"]["code"] == "AUTH_UNAVAILABLE"
