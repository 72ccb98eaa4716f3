"""What whoever runs it does: check, start, stop, sign tokens; and where clients really are."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest

from clients import Client, connect, native, refusal
from gate import API_KEY, BINARY, EXAMPLES, Gate, running, until
from tokens import SECRET, token

ENVIRONMENT = os.environ | {"TIDEGATE_SECRET": SECRET, "TIDEGATE_API_KEY": API_KEY}


def tidegate(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [BINARY, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        env=ENVIRONMENT | environment,
        check=False,
    )


# Configuration


@pytest.mark.parametrize("example", sorted(it.name for it in EXAMPLES.glob("*.toml")))
def test_every_example_is_good(example: str) -> None:
    """R138, R141: and the most memory that its limits allow is told."""
    told = tidegate("check", "--config", EXAMPLES / example)
    assert (told.returncode, told.stderr.count("fault")) == (0, 0), told
    assert "total" in told.stdout and ": good" in told.stdout


BROKEN = """
profile = "production"

[server]
listen = "0.0.0.0:80"
drain_over = 10
lisen = "127.0.0.1:1"

[keys.main]
secret = { env = "TIDEGATE_NO_SUCH_VARIABLE" }
algorithms = ["none"]

[tokens.access]
keys = ["mian"]

[[routes]]
path = "ws/no/slash"
tokens = "acess"
joins = ["room:{nobody}"]

[routes.limits]
messages = "sixty"
"""


def test_check_tells_every_fault_at_once(tmp_path: Path) -> None:
    """R138: with its place, and the nearest name for one that does not exist; exit code 2."""
    config = tmp_path / "broken.toml"
    config.write_text(BROKEN)
    told = tidegate("check", "--config", config)
    assert told.returncode == 2, told
    lines = {
        int(number) for number in re.findall(r"^\S*broken\.toml:(\d+):\d+: ", told.stderr, re.M)
    }
    text = BROKEN.splitlines()

    def line_of(what: str) -> int:
        return 1 + next(index for index, it in enumerate(text) if what in it)

    expected = ["drain_over", "lisen", "NO_SUCH_VARIABLE", "none", "mian", "acess", "sixty"]
    missing = [it for it in expected if line_of(it) not in lines]
    assert not missing, f"no word about {missing}:\n{told.stderr}"
    for nearest in ["listen", "main", "access"]:
        assert nearest in told.stderr
    assert "panicked" not in told.stderr


def test_a_broken_configuration_does_not_start(tmp_path: Path) -> None:
    """R138: run refuses what check refuses, in the same words."""
    config = tmp_path / "broken.toml"
    config.write_text(BROKEN)
    ran = tidegate("run", "--config", config)
    assert ran.returncode != 0
    assert all(it in ran.stderr for it in ["drain_over", "lisen", "mian"])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """R64."""
    told = tidegate("check", "--config", tmp_path / "nowhere.toml")
    assert told.returncode == 2 and "nowhere.toml" in told.stderr


def test_the_development_login_does_not_go_to_production(tmp_path: Path) -> None:
    """R137: --dev lets anyone be anyone."""
    ran = tidegate(
        "run", "--config", EXAMPLES / "demo.toml", "--dev", TIDEGATE_PROFILE="production"
    )
    assert ran.returncode != 0 and "--dev" in ran.stderr


def test_a_short_api_key_is_refused_everywhere() -> None:
    """D1: and the key is not repeated."""
    told = tidegate("check", "--config", EXAMPLES / "demo.toml", TIDEGATE_API_KEY="tooshortkey")
    assert told.returncode == 2
    assert "32" in told.stderr and "tooshortkey" not in told.stderr


def test_what_is_wrong_on_the_command_line_is_told() -> None:
    """R64: exit code 2, as shells have it."""
    for arguments in [["run"], ["run", "--confg", "x"], ["fly"], ["token"]]:
        told = tidegate(*arguments)
        assert told.returncode == 2 and "Usage" in told.stderr, told
    assert tidegate("--version").stdout.startswith("tidegate ")


def test_tokens_that_tidegate_mints_are_good_anywhere() -> None:
    """R9: PyJWT reads them."""
    told = tidegate(
        "token", "--user", "7", "--user-claim", "user_id", "--ttl", "10m",
        "--claims", '{"role":"Admin"}',
    )  # fmt: skip
    claims = jwt.decode(told.stdout.strip(), SECRET, algorithms=["HS256"])
    assert (claims["user_id"], claims["role"], claims["token_type"]) == (7, "Admin", "access")
    assert claims["exp"] - claims["iat"] == 600


def test_a_token_of_the_command_line_opens_a_connection(
    notifications: Gate, address: str
) -> None:
    """R1."""
    minted = tidegate("token", "--user", "5", "--user-claim", "user_id").stdout.strip()
    with connect(notifications, "/ws/notifications/", minted, address=address) as sam:
        assert sam.hear()["type"] == "notifications_list"


# Starting and stopping


def test_a_port_that_is_taken_is_told(channels: Gate) -> None:
    """L16: though sockets of one process share it among them, a second process gets none."""
    ran = tidegate(
        "run", "--config", channels.config, "--listen", f"127.0.0.1:{channels.port}",
        TIDEGATE_DATA_DIR=str(channels.folder / "second"),
    )  # fmt: skip
    assert ran.returncode == 1
    assert f"127.0.0.1:{channels.port}" in ran.stderr and "in use" in ran.stderr
    assert channels.is_ready()


def test_a_data_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """L16."""
    (tmp_path / "file").write_text("")
    ran = tidegate(
        "run", "--config", EXAMPLES / "demo.toml", "--listen", "127.0.0.1:0",
        TIDEGATE_DATA_DIR=str(tmp_path / "file" / "data"),
    )  # fmt: skip
    assert ran.returncode == 1 and str(tmp_path / "file" / "data") in ran.stderr


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Gate]:
    """A process to stop, which parts with its clients over a second."""
    slowly = {"TIDEGATE_SERVER_DRAIN_OVER": "1s"}
    yield from running(Gate(EXAMPLES / "demo.toml", tmp_path, dev=True, environment=slowly))


def test_whoever_is_told_to_stop_parts_with_everyone(demo: Gate) -> None:
    """L2, C11, R147: readiness falls first, nobody has been parted with then; 1012; exit code 0."""
    clients: list[Client] = []
    for index in range(20):
        clients.append(connect(demo, "/ws/checkins/", token(1002), address=f"127.7.0.{index + 1}"))
        clients.append(native(demo, "/ws", token("ann"), address=f"127.7.1.{index + 1}"))
    for client in clients[::2]:
        assert client.hear()["type"] == "initial_stats"
    demo.signal(signal.SIGTERM)

    def unready() -> bool:
        return demo.ask("GET", "/health/ready").status == 503

    until(unready, "readiness to fall", within=0.9)
    assert demo.ask("GET", "/health/live").status == 200
    clients[0].say({"type": "heartbeat"})
    assert clients[0].hear()["type"] == "heartbeat_ack"

    ends = [it.hear_end() for it in clients]
    assert {it.code for it in ends} == {1012}
    for end in ends[1::2]:
        assert end.frames[-1]["closing"]["code"] == "DRAINING"
    assert demo.wait() == 0
    with pytest.raises(OSError):
        demo.socket()


def test_a_request_that_is_being_answered_is_answered_while_it_stops(demo: Gate) -> None:
    """L2: a publish that was begun before the end is not cut off."""
    line = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=10)
    body = json.dumps({"channel": "news:today", "data": 1})
    line.putrequest("POST", "/api/publish")
    line.putheader("Authorization", f"Bearer {API_KEY}")
    line.putheader("Content-Type", "application/json")
    line.putheader("Content-Length", str(len(body)))
    line.endheaders(body[:10].encode())
    demo.signal(signal.SIGTERM)
    until(lambda: "draining" in demo.log(), "the drain to begin")
    line.send(body[10:].encode())
    assert line.getresponse().status == 200
    line.close()
    assert demo.wait() == 0


# Where clients really are


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Behind proxies at 127.0.0.2 and 127.0.0.3, with one seat for each address."""
    yield from running(behind(tmp_path_factory.mktemp("proxied"), ""))


@pytest.fixture(scope="module")
def piped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The same, with proxies that speak the PROXY protocol."""
    yield from running(behind(tmp_path_factory.mktemp("piped"), "proxy_protocol = true"))


def behind(folder: Path, more: str) -> Gate:
    """A gate that trusts two proxies."""
    config = folder / "proxied.toml"
    config.write_text(f"""
        profile = "development"
        [server]
        trusted_proxies = ["127.0.0.2", "127.0.0.3/32", "10.0.0.0/8"]
        {more}
        [keys.main]
        secret = {{ env = "TIDEGATE_SECRET" }}
        [tokens.access]
        keys = ["main"]
        user = ["user_id"]
        [[api.keys]]
        name = "backend"
        secret = {{ env = "TIDEGATE_API_KEY" }}
        scopes = ["admin"]
        [[routes]]
        path = "/ws"
        tokens = "access"
        [routes.limits]
        connections_per_address = 1
        attempts_per_address = "none"
        connections_per_user = "none"
    """)
    return Gate(config, folder)


def forwarded(*values: str) -> dict[str, str]:
    """The header in which proxies pass on where someone comes from."""
    return {"X-Forwarded-For": ", ".join(values)}


def test_a_trusted_proxys_word_about_the_client_is_taken(proxied: Gate) -> None:
    """H9: right-most hop that is no trusted proxy; what stands left of it is hearsay."""

    def come(*hops: str) -> Client:
        return connect(proxied, "/ws", token("ann"), address="127.0.0.2", headers=forwarded(*hops))

    def is_refused(*hops: str) -> None:
        refused = refusal(
            proxied, "/ws", token("ann"), address="127.0.0.3", headers=forwarded(*hops)
        )
        assert refused.code == "TOO_MANY_CONNECTIONS"

    come("203.0.113.7")
    is_refused("203.0.113.7")
    is_refused("198.51.100.1", "203.0.113.7")
    is_refused("203.0.113.7", "10.1.2.3", "127.0.0.2")
    is_refused("::ffff:203.0.113.7")
    come("203.0.113.8")
    come("2001:db8:1:2::1")
    is_refused("2001:db8:1:2:ffff::9")
    come("2001:db8:1:3::1")


def test_nobody_else_can_say_where_they_come_from(proxied: Gate, address: str) -> None:
    """H9: the limit of an address is not evaded by making addresses up."""
    connect(proxied, "/ws", token("ann"), address=address)
    for header in ["X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP"]:
        for made_up in ["203.0.113.99", "for=203.0.113.99", "127.0.0.1", "nonsense"]:
            refused = refusal(
                proxied, "/ws", token("ann"), address=address, headers={header: made_up}
            )
            assert refused.code == "TOO_MANY_CONNECTIONS", header


V2 = b"\r\n\r\n\0\r\nQUIT\n"


def version_1(client: str) -> Callable[[socket.socket], None]:
    """The PROXY protocol's text form."""
    return lambda sock: sock.sendall(f"PROXY TCP4 {client} 127.0.0.1 40000 80\r\n".encode())


def version_2(client: str) -> Callable[[socket.socket], None]:
    """And its binary form, with a piece that nobody here knows behind the addresses."""
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1")
    block = addresses + struct.pack(">HH", 40000, 80) + b"\xe0\x00\x01x"
    return lambda sock: sock.sendall(V2 + b"\x21\x11" + struct.pack(">H", len(block)) + block)


@pytest.mark.parametrize("version", [version_1, version_2])
def test_the_proxy_protocol_tells_where_a_client_is(
    piped: Gate, version: Callable[[str], Callable[[socket.socket], None]]
) -> None:
    """H9: to limits as to HTTP."""
    number = 1 + [version_1, version_2].index(version)
    here, there = f"203.0.113.{number}", f"198.51.100.{number}"
    connect(piped, "/ws", token("ann"), address="127.0.0.2", through=version(here))
    refused = refusal(piped, "/ws", token("ann"), address="127.0.0.3", through=version(here))
    assert refused.code == "TOO_MANY_CONNECTIONS"
    connect(piped, "/ws", token("ann"), address="127.0.0.2", through=version(there))


def answered(sock: socket.socket) -> bytes:
    """Everything up to the end."""
    heard = b""
    while more := sock.recv(4096):
        heard += more
    return heard


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("127.0.0.9", b"PROXY TCP4 203.0.113.1 127.0.0.1 40000 80\r\n"),
        ("127.0.0.2", b""),
        ("127.0.0.2", b"PROXY TCP4 203.0.113.1\r\n"),
        ("127.0.0.2", b"PROXY TCP4 " + b"1" * 200),
        ("127.0.0.2", V2 + b"\x21\x11\xff\xff" + b"x" * 5000),
    ],
)
def test_a_header_from_elsewhere_or_none_or_a_broken_one_is_refused(
    piped: Gate, address: str, first: bytes
) -> None:
    """H9: nobody is let in under an address that nobody vouches for."""
    with piped.socket(address) as sock:
        sock.sendall(first + b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            heard = answered(sock)
        except ConnectionResetError:
            return
    assert not heard.startswith(b"HTTP/1.1 2"), heard


def test_whoever_speaks_directly_needs_no_header(piped: Gate, address: str) -> None:
    """H9: only proxies on the list are expected to begin with it."""
    assert piped.ask("GET", "/health/live", address=address).status == 200
