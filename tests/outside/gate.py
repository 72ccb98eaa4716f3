"""A running tidegate: started, asked over HTTP, stopped, and looked over when it is done."""

import http.client
import itertools
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import tokens

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TIDEGATE", ROOT / "target" / "debug" / "tidegate"))
EXAMPLES = ROOT / "examples"
API_KEY = "an-api-key-that-is-long-enough-to-be-one"

# How long anything may take before a test gives up. Nothing here takes a tenth of it on an idle
# machine; a busy one must not fail for being busy.
WITHIN = 15.0


T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, within: float = WITHIN) -> T:
    """Looks again and again, until there is something to see or the time is up."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen is not None and seen is not False:
            return seen
        if deadline < time.monotonic():
            raise AssertionError(f"waited {within} s for {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """What HTTP answered."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        try:
            return json.loads(self.text)
        except ValueError as fault:
            raise AssertionError(f"{self.status}, not JSON: {self.text[:300]!r}") from fault


class Addresses:
    """Client addresses nobody has used yet. All of 127.0.0.0/8 is this machine.

    A test that comes from an address of its own has that address's limits to itself.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(256)

    def fresh(self) -> str:
        """One more."""
        number = next(self._numbers)
        return f"127.9.{number // 250}.{number % 250 + 1}"


ADDRESSES = Addresses()


class Gate:
    """One process of the binary under test, with its log and its data."""

    def __init__(
        self,
        config: Path,
        folder: Path,
        *,
        dev: bool = False,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        trusting: Path | None = None,
    ) -> None:
        """`trusting`: the certificate it answers with, if it speaks TLS."""
        self.config, self.folder, self.dev, self.port = config, folder, dev, port
        self.environment = dict(environment or {})
        self.trusting = trusting
        self.log_file = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    # Its life

    def start(self) -> "Gate":
        """Starts the process and returns when it says that it is ready."""
        command = [BINARY, "run", "--config", self.config, "--listen", f"127.0.0.1:{self.port}"]
        if self.dev:
            command.append("--dev")
        begin = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, env=self.surroundings())
        self.port = until(lambda: self._announced(begin), "the log to say where it listens")
        until(lambda: self.is_ready() or None, "/health/ready to answer 200")
        return self

    def surroundings(self) -> dict[str, str]:
        """Drains at once, and logs all that could hold what must not be logged (A7)."""
        return os.environ | {
            "TIDEGATE_SECRET": tokens.SECRET,
            "TIDEGATE_API_KEY": API_KEY,
            "TIDEGATE_DATA_DIR": str(self.folder / "data"),
            "TIDEGATE_SERVER_DRAIN_OVER": "0s",
            "TIDEGATE_LOG": "debug",
        } | self.environment

    def _announced(self, begin: int) -> int | None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log()}")
        text = self.log_file.read_bytes()[begin:].decode()
        found = re.search(r"open version=\S+ address=127\.0\.0\.1:(\d+)", text)
        return int(found[1]) if found else None

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, within: float = WITHIN) -> int:
        """Waits for the process to end, and tells its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s:\n{self.log()[-2000:]}") from None

    def kill(self) -> None:
        """Ends it without a warning, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def close(self) -> None:
        """Stops it, and looks over what it leaves: exit code, log, metrics (A7, F16, L2)."""
        assert self.process is not None
        if self.process.poll() is None:
            self.look_over()
            self.signal(signal.SIGTERM)
            # The second one: nobody needs to notice that this one goes.
            self.signal(signal.SIGINT)
            code = self.wait()
            assert code == 0, f"it ended with {code}:\n{self.log()[-2000:]}"
        self.look_over_log()

    def look_over(self) -> None:
        """No secret in the metrics, no panic counted, and no shard replaced."""
        answer = self.ask("GET", "/metrics", token=API_KEY)
        assert answer.status == 200, answer
        assert not tokens.leaked(answer.text), f"/metrics shows {tokens.leaked(answer.text)}"
        for metric in ["tidegate_shard_restarts_total", "tidegate_http_panics_total"]:
            assert self.metric(metric, answer.text) == 0, metric

    def look_over_log(self) -> None:
        """No panic and no token in the log, whatever the tests have sent."""
        log = self.log()
        assert "panicked" not in log, log[log.index("panicked") - 200 :][:2000]
        leaks = tokens.leaked(log)
        assert not leaks, f"{self.log_file} shows {leaks[:3]}"

    def log(self) -> str:
        """Everything it has logged, in all its lives."""
        return self.log_file.read_text()

    # HTTP

    def is_ready(self) -> bool:
        """Whether it should be sent clients; not even answering means no."""
        try:
            return self.ask("GET", "/health/ready").status == 200
        except OSError:
            return False

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> Answer:
        """Asks over HTTP(S). `token` goes into the Authorization header."""
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        line = self._line(address)
        try:
            line.request(method, path, text, sent)
            told = line.getresponse()
            return Answer(told.status, told.headers, told.read().decode())
        finally:
            line.close()

    def _line(self, address: str) -> http.client.HTTPConnection:
        source = (address, 0)
        if self.trusting is None:
            return http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=WITHIN, source_address=source
            )
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=WITHIN, source_address=source, context=self.tls()
        )

    def tls(self) -> ssl.SSLContext:
        """Trusts this gate's certificate and no other."""
        assert self.trusting is not None
        return ssl.create_default_context(cafile=str(self.trusting))

    def publish(self, channel: str, data: Any, **more: Any) -> dict[str, Any]:
        """Publishes as a backend does; tells the message's place."""
        answer = self.ask(
            "POST", "/api/publish", {"channel": channel, "data": data} | more, token=API_KEY
        )
        assert answer.status == 200, answer
        return dict(answer.json)

    def metric(self, name: str, text: str | None = None) -> float:
        """The sum of a metric over its labels."""
        if text is None:
            text = self.ask("GET", "/metrics", token=API_KEY).text
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        assert found, f"there is no metric {name}"
        return sum(map(float, found))

    def active_connections(self) -> int:
        """As the endpoint of R100 tells them."""
        path = "/api/monitoring/websocket/active-connections/"
        return int(self.ask("GET", path, token=API_KEY).json["active_connections"])

    # Sockets

    def url(self, path: str, token: str | None = None) -> str:
        """The address of a WebSocket, with the token where browsers put it."""
        scheme = "ws" if self.trusting is None else "wss"
        query = "" if token is None else f"?token={token}"
        return f"{scheme}://127.0.0.1:{self.port}{path}{query}"

    def socket(self, address: str = "127.0.0.1") -> socket.socket:
        """A bare TCP connection from this address."""
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=WITHIN, source_address=(address, 0)
        )


def running(gate: Gate) -> Iterator[Gate]:
    """For fixtures: started before, looked over after."""
    try:
        yield gate.start()
        gate.close()
    finally:
        if gate.process is not None and gate.process.poll() is None:
            gate.kill()
