"""The HTTP side, asked by those who should not: D1, D3, D6."""

import pathlib
import re
import secrets

import pytest
import raw
import tokens
from gate import API_KEYS, COMMON, ROOT, ROUTES, SERVER

ROW = re.compile(r"^\| (`(?:GET|POST|DELETE) /[^|]*`) \| ([^|]+) \|", re.M)
ADDRESS = re.compile(r"`(\S+) (\S+)`")
NAMED = {"{name}": "den", "{user}": "ann", "{id}": "0" * 32}


def rows() -> list[tuple[str, str, str]]:
    """Method, address and scope of every row in docs/http.md, which a test in front keeps whole."""
    found = []
    for row in ROW.finditer((ROOT / "docs/http.md").read_text()):
        for method, path in ADDRESS.findall(row.group(1)):
            for name, value in NAMED.items():
                path = path.replace(name, value)
            found.append((method, path, row.group(2).strip()))
    return found


# A user's token opens one address, and no key does: that has a test of its own.
GUARDED = [it for it in rows() if it[2] not in ("none", "a user's token")]


def test_the_table_is_read():
    """D1: every address the documentation names."""
    assert 16 <= len(GUARDED) < len(rows())
    assert {it[0] for it in GUARDED} == {"GET", "POST", "DELETE"}


def asked(gate, method, path, body=None, headers=()):
    """Without a key of ours, each time from another address: guesses are counted (A12)."""
    return gate.http(method, path, body, headers, key=None, source=raw.fresh())


@pytest.mark.parametrize("method,path,scope", GUARDED)
def test_every_address_asks_who_is_asking(gate, method, path, scope):
    """D1: no key 401, a wrong one 401, one of another scope 403; from wherever it seems to come."""
    needed = "admin" if scope.startswith("administrator") else scope.strip("`")
    body = {} if method == "POST" else None
    for where in (path, path + "/", path + "?key=" + "x" * 32):
        assert asked(gate, method, where, body).status == 401, where
    for headers in (
        [("X-Forwarded-For", "127.0.0.1")],
        [("X-Real-IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Basic YWRtaW46YWRtaW4=")],
        [("Authorization", f"Basic {API_KEYS['admin']}")],
        [("Authorization", API_KEYS["admin"])],
        [("Authorization", f"Bearer {API_KEYS['admin'][:-1]}")],
        [("Authorization", f"Bearer {API_KEYS['admin']}x")],
        [("Cookie", f"key={API_KEYS['admin']}")],
        [("X-API-Key", API_KEYS["admin"]), ("X-API-Key", "x")],
        [("Authorization", f"Bearer {tokens.token(role='Admin', is_staff=True)}")],
        [("Authorization", f"Bearer {tokens.assembled({'alg': 'none'}, tokens.claims())}")],
    ):
        assert asked(gate, method, path, body, headers).status == 401, headers
    for key in API_KEYS:
        status = gate.http(method, path, body, key=key).status
        assert (status == 403) == (key not in (needed, "admin")), (key, status)
        assert status != 401


def test_a_newer_token_is_for_whoever_has_one(gate):
    """D1: keys are no tokens, and what is no good token is exchanged for nothing."""
    bad = ["x", *API_KEYS.values(), tokens.token(ttl=-5)]
    bad += [tokens.assembled({"alg": "none"}, tokens.claims())]
    for token in bad:
        for body, headers in (
            ({"token": token}, []),
            (None, [("Authorization", f"Bearer {token}")]),
        ):
            answer = asked(gate, "POST", "/api/tokens/refresh", body, headers)
            assert answer.status == 401, answer
    answer = asked(gate, "POST", "/api/tokens/refresh", {"token": tokens.token()})
    assert (answer.status, answer.code) == (409, "NOT_MINTED_HERE")


def test_spellings_of_an_address_open_nothing(gate):
    """D1: cases, slashes, dots and encodings are other addresses, or the same guarded one."""
    for path in (
        "/METRICS",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/metrics%00",
        "/metrics;x",
        "/metrics/../metrics",
        "/api//publish",
        "/api/publish%2f",
        "/api/monitoring/websocket/metrics/x",
        "/health/../metrics",
        "/health/%2e%2e/metrics",
    ):
        answer = asked(gate, "GET", path)
        assert answer.status in (400, 401, 404), (path, answer)
        assert "tidegate_" not in answer.text


@pytest.mark.parametrize("key", ["", "x", "x" * 31])
def test_a_weak_key_is_not_started_with(house, key):
    """D1: an empty or short API key is a fault at the start, and is not repeated in it."""
    status, said = house.check(SERVER + COMMON + ROUTES, TIDEGATE_API_ADMIN=key)
    assert status != 0 and "api.keys" in said
    assert len(key) < 8 or key not in said


@pytest.mark.parametrize("key", ["", "secret", "x" * 31])
def test_a_weak_signing_key_is_not_started_with_in_production(house, key):
    """D1: nor a guessable key for tokens; without the variable there is nothing to fall back on."""
    production = SERVER.replace("development", "production")
    assert house.check(production + COMMON, TIDEGATE_SECRET=key)[0] != 0
    config = COMMON.replace("TIDEGATE_SECRET", "TIDEGATE_NOBODY_SET_THIS")
    assert house.check(SERVER + config)[0] != 0


def test_an_unnoticed_default_is_none(house):
    """D1: without keys in the configuration nobody is let in; the address is this machine's."""
    bare = """
profile = "development"
[server]
listen = "127.0.0.1:0"
"""
    with house.open("", bare, COMMON) as gate:
        for key in ("admin", "password", "secret", "tidegate", "x" * 32, secrets.token_hex(16)):
            headers = [("Authorization", f"Bearer {key}")]
            assert asked(gate, "GET", "/metrics", headers=headers).status == 401


# D3. --------------------------------------------------------------------------------------------


def test_a_page_of_another_origin_can_do_nothing(gate):
    """D3: what a form or a script without permission can send is refused, key or not."""
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; x=application/json",
        "application/jsonp",
        "",
    ):
        for path, body in (
            ("/api/publish", '{"channel":"den","data":1}'),
            ("/api/disconnect", '{"user":"ann"}'),
        ):
            headers = [("Content-Type", kind), ("Origin", "https://evil.com")]
            assert gate.http("POST", path, body, headers).status == 415, kind
            assert gate.http("POST", path, body, headers, key=None).status == 401, kind
    preflight = [
        ("Origin", "https://evil.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ]
    answer = gate.http("OPTIONS", "/api/publish", headers=preflight, key=None)
    assert not any(n.lower().startswith("access-control") for n, _ in answer.headers)
    answer = gate.http("GET", "/api/channels/den", headers=[("Origin", "https://evil.com")])
    assert answer.header("access-control-allow-origin") is None


def test_getting_changes_nothing(gate):
    """D3: what changes something is no GET; asking changes no figure."""
    for method, path, _ in GUARDED:
        taken = {it[0] for it in GUARDED if it[1] == path}
        # A channel's name may end with /history, so there is no other address below a channel.
        taken |= {"DELETE"} if path.startswith("/api/channels/") else set()
        others = {"GET", "POST", "PUT", "PATCH", "DELETE"} - taken
        for other in others:
            body = {"channel": "den", "data": 1} if other != "GET" else None
            assert gate.http(other, path, body).status == 405, (other, path)
        # A method smuggled into a header or the query is none.
        if "GET" not in taken:
            headers = [("X-HTTP-Method-Override", method), ("X-HTTP-Method", method)]
            answer = gate.http("GET", f"{path}?_method={method}", headers=headers)
            assert answer.status == 405
    gate.publish("still", 1)
    before = gate.http("GET", "/api/channels/still").json
    published = gate.metric("tidegate_publications_total")
    for method, path, _ in rows():
        if method == "GET":
            gate.http("GET", path)
    assert gate.http("GET", "/api/channels/still").json == before
    assert gate.metric("tidegate_publications_total") == published


def test_cookies_say_nothing_to_the_api(gate):
    """D3: there is no ambient authority: no cookie is set, and none is read."""
    for method, path, _ in rows():
        if method == "GET":
            assert gate.http("GET", path).header("set-cookie") is None
    cookie = f"token={tokens.token(role='Admin')}; key={API_KEYS['admin']}; session=x"
    assert asked(gate, "GET", "/metrics", headers=[("Cookie", cookie)]).status == 401


# D6. --------------------------------------------------------------------------------------------


def test_who_is_not_known_learns_nothing(gate):
    """D6: bare health, and nothing else: no version, no figures, no configuration."""
    version = gate.http("GET", "/metrics").text.split('version="')[1].split('"')[0]
    for path in ("/health", "/health/live", "/health/ready"):
        answer = gate.http("GET", path, key=None)
        assert answer.status == 200 and len(answer.body) < 100
        assert set(answer.json) == {"status"}
    for path in (
        *("/config", "/debug", "/debug/pprof", "/pprof", "/env", "/status", "/info", "/version"),
        *("/admin", "/api", "/api/", "/api/config", "/actuator", "/server-status", "/.env", "/.git/config"),
        *("/tidegate.toml", "/favicon.ico", "/robots.txt", "/swagger", "/openapi.json", "/graphql"),
        *("/..%2f..%2fetc%2fpasswd", "/%2e%2e/etc/passwd", "/index.css/../tidegate.toml", "/data"),
    ):
        answer = gate.http("GET", path, key=None)
        assert answer.status == 404, (path, answer)
        assert set(answer.json) <= {"code", "message", "detail"}
    for method, path, _ in rows():
        answer = gate.http(method, path, {} if method == "POST" else None, key=None)
        for name, value in answer.headers:
            assert name.lower() not in ("server", "x-powered-by", "via"), name
            assert f"tidegate/{version}" not in value
        assert str(ROOT) not in repr(answer) and "panicked" not in repr(answer)


def test_a_refusal_is_the_same_whoever_is_unknown(gate):
    """D6: which users or keys there are cannot be told from an answer."""
    wrong = [asked(gate, "GET", "/metrics", headers=[("X-API-Key", it)]) for it in WRONG]
    assert len({(it.status, it.body) for it in wrong}) == 1
    bodies = set()
    for user in ("ann", "nobody", "admin"):
        token = tokens.token(user, secret="x" * 40)
        bodies.add(raw.asked(gate.port, f"/plain/den?token={token}").body)
    assert len(bodies) == 1


WRONG = ["x", "x" * 32, API_KEYS["admin"][:-1] + "x", API_KEYS["read"][::-1], "\xe9" * 32]


def test_the_log_has_no_configuration_in_it(gate):
    """D6: at the start only where it listens and how much it may use."""
    folder = pathlib.Path(gate.folder)
    config = (folder / "tidegate.toml").read_text()
    for line in config.splitlines():
        assert len(line) < 20 or line not in gate.log()
