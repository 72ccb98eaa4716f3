"""TLS: sockets and HTTP over one certificate, and a new one without a restart (R46)."""

import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import connect, native
from gate import API_KEY, EXAMPLES, Gate, running, until
from tokens import token


def certify(folder: Path, name: str, extra: list[str]) -> None:
    """Makes a certificate that is good for 127.0.0.1, with OpenSSL."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", *extra, "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", folder / "new.key", "-out", folder / "new.pem",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (folder / "new.key").rename(folder / "live.key")
    (folder / "new.pem").rename(folder / "live.pem")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The demo behind TLS."""
    folder = tmp_path_factory.mktemp("secure")
    certify(folder, "first", ["rsa:2048"])
    text = (EXAMPLES / "demo.toml").read_text()
    tls = 'tls = { certificate = "live.pem", key = "live.key" }\n'
    config = folder / "secure.toml"
    config.write_text(text.replace("[server]\n", f"[server]\n{tls}"))
    gate = Gate(config, folder, dev=True, trusting=folder / "live.pem")
    yield from running(gate)


def shown(gate: Gate) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(gate.socket()) as sock:
        certificate = sock.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def test_sockets_and_http_share_one_port_and_one_certificate(secure: Gate) -> None:
    """R44, R46: wss for both dialects, and HTTPS handed off to the API with what was read."""
    with connect(secure, "/ws/checkins/", token(1002)) as desk:
        assert desk.hear()["type"] == "initial_stats"
    with native(secure, "/ws", token("ann")) as ann:
        ann.ask(subscribe={"channel": "news:tls"})
        placed = secure.publish("news:tls", "over TLS")
        assert ann.hear()["publication"] == {"channel": "news:tls", **placed, "data": "over TLS"}


def test_large_messages_travel_whole(secure: Gate) -> None:
    """R46: in both directions, over more than one TLS record."""
    with native(secure, "/ws", token("ann")) as ann:
        ann.ask(subscribe={"channel": "news:large"})
        said, published = "a" * 60_000, "\u2603" * 100_000
        ann.say({"id": 7, "publish": {"channel": "news:large", "data": said}})
        assert ann.hear_where(lambda it: "publication" in it)["publication"]["data"] == said
        secure.publish("news:large", published)
        assert ann.hear_where(lambda it: "publication" in it)["publication"]["data"] == published


def test_the_page_over_https_may_open_wss(secure: Gate) -> None:
    """R47."""
    answer = secure.ask("GET", "/checkins/")
    assert f"wss://127.0.0.1:{secure.port}" in answer.headers["Content-Security-Policy"]


def test_several_requests_go_over_one_connection(secure: Gate) -> None:
    """R113: kept open, as backends do."""
    with secure.tls().wrap_socket(secure.socket(), server_hostname="127.0.0.1") as sock:
        for _ in range(3):
            sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            heard = b""
            while not heard.endswith(b"\r\n\r\n") and b"}" not in heard:
                heard += sock.recv(4096)
            assert heard.startswith(b"HTTP/1.1 200 "), heard


def test_plain_text_at_the_tls_port_gets_no_answer_and_harms_nobody(secure: Gate) -> None:
    """H8."""
    with secure.socket() as sock:
        sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            heard = sock.recv(4096)
        except ConnectionResetError:
            heard = b""
    assert not heard.startswith(b"HTTP/1.1 200")
    assert secure.is_ready()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_current_versions_are_spoken(secure: Gate, version: ssl.TLSVersion) -> None:
    """R46."""
    context = secure.tls()
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(secure.socket(), server_hostname="127.0.0.1") as sock:
        assert sock.version() == version.name.replace("_", ".")


def test_a_client_hello_may_come_in_pieces(secure: Gate) -> None:
    """H8: byte by byte, as a network may have it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = secure.tls().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with secure.socket() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    sock.sendall(bytes([byte]))
                incoming.write(sock.recv(65536))
        assert tls.getpeercert()


def test_a_new_certificate_is_taken_at_sighup(secure: Gate) -> None:
    """R46, L16: open connections stay, and a broken one is not taken."""
    with native(secure, "/ws", token("ann")) as ann:
        first = shown(secure)
        certify(secure.folder, "second", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        assert shown(secure) == first
        secure.signal(signal.SIGHUP)
        until(lambda: shown(secure) != first, "the new certificate to be shown")
        second = shown(secure)
        with native(secure, "/ws", token("bob")) as bob:
            assert "pong" in bob.ask(ping={})

        good = (secure.folder / "live.pem").read_text()
        (secure.folder / "live.pem").write_text("-----BEGIN NONSENSE-----")
        secure.signal(signal.SIGHUP)
        until(lambda: "certificate kept as it was" in secure.log(), "the log to say so")
        (secure.folder / "live.pem").write_text(good)
        assert shown(secure) == second
        assert "pong" in ann.ask(ping={})
    assert secure.ask("GET", "/api/channels/news:tls", token=API_KEY).status == 200
