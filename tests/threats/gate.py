"""The real binary, started and watched from outside.

Everything a threat may do to the process is read here: its memory and processor time from /proc,
its counters from /metrics, its log from a file that stays until the run has been searched for
secrets.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import subprocess
import time

import raw

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# The word stands in every secret of this suite, so that one search finds any that leaked (A7).
CANARY = "SECRETCANARY"
SECRET = f"{CANARY}-hmac-{secrets.token_hex(16)}"
OTHER_SECRET = f"{CANARY}-other-{secrets.token_hex(16)}"
API_KEYS = {
    scope: f"{CANARY}-{scope}-{secrets.token_hex(16)}"
    for scope in ("admin", "publish", "read", "disconnect")
}


def binary() -> pathlib.Path:
    """What TIDEGATE names, or the debug build."""
    return pathlib.Path(os.environ.get("TIDEGATE", ROOT / "target/debug/tidegate"))


def environment() -> dict:
    """The secrets that configurations name, and nothing of the caller's that could interfere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    kept |= {"TIDEGATE_SECRET": SECRET, "TIDEGATE_OTHER": OTHER_SECRET, "NO_PROXY": "127.0.0.1"}
    kept |= {f"TIDEGATE_API_{scope.upper()}": key for scope, key in API_KEYS.items()}
    return kept


# What every configuration here has: two verifiers, four API keys.
COMMON = """
[keys.main]
secret = { env = "TIDEGATE_SECRET" }
[keys.other]
secret = { env = "TIDEGATE_OTHER" }
[tokens.access]
keys = ["main"]
require = { token_type = ["access"] }
[tokens.other]
keys = ["other"]
audience = ["other"]
""" + "".join(
    f"""
[[api.keys]]
name = "{scope}"
secret = {{ env = "TIDEGATE_API_{scope.upper()}" }}
scopes = ["{scope}"]
"""
    for scope in API_KEYS
)

# A native, a plain and an echo route without limits: what most threats meet.
ROUTES = """
[[routes]]
name = "native"
path = "/ws"
dialect = "native"
tokens = "access"
from = ["query:token", "bearer", "protocol", "message"]
origins = "*"
limits = "none"
first_message_within = "2s"
[[routes]]
name = "plain"
path = "/plain/{room}"
tokens = "access"
from = ["query:token", "bearer"]
joins = ["room:{room}"]
origins = "*"
limits = "none"
[[routes]]
name = "echo"
path = "/echo"
app = "echo"
tokens = "none"
origins = "*"
compression = "messages"
message_bytes_max = "1MiB"
limits = "none"
[[permissions]]
allow = ["subscribe", "publish", "signal"]
channels = ["*"]
"""

# Namespaces that keep something.
LOGS = """
[namespaces.log]
log = "disk"
[namespaces.quick]
log = "disk"
durability = "interval"
[namespaces.memory]
log = "memory"
keep_for = "1s"
[namespaces.user]
log = "disk"
mailbox = true
"""

SERVER = """
profile = "development"
[server]
listen = "127.0.0.1:0"
backoff = "none"
handshake_within = "2s"
message_within = "2s"
"""


class Gate:
    """One running process."""

    def __init__(self, folder: pathlib.Path, config: str, under: tuple, first: bytes):
        self.folder = folder
        # What connections of our own to it begin with.
        self.first = first
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "log"
        path = folder / "tidegate.toml"
        path.write_text(config)
        self.command = [*under, str(binary()), "run", "--config", str(path)]
        self.start()

    def start(self) -> None:
        """Starts the process, again after it has ended; on another port then."""
        begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=environment(), start_new_session=True
            )
        announced = re.compile(r"address=127\.0\.0\.1:(\d+)")
        found = until(lambda: announced.search(self.log()[begin:]) or self.dead())
        assert not isinstance(found, str), f"it did not start: {found}"
        self.port = int(found.group(1))
        self.pid = self.process.pid

    def kill(self) -> None:
        """Ends it without a warning."""
        self.process.kill()
        self.process.wait(10)

    def dead(self):
        return self.log() or "no word" if self.process.poll() is not None else None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def rss(self) -> int:
        """Resident bytes."""
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def http(self, method, path, body=None, headers=(), key="admin", **options) -> "raw.Answer":
        """One request on a connection of its own; `key` is a scope of ours, or None for no key."""
        fields = list(headers)
        if key:
            fields.append(("Authorization", f"Bearer {API_KEYS[key]}"))
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None and not any(n.lower() == "content-type" for n, _ in fields):
            fields.append(("Content-Type", "application/json"))
        return raw.http(self.port, method, path, body, fields, first=self.first, **options)

    def metrics(self) -> dict:
        """Samples by name with labels, as they are printed."""
        answer = self.http("GET", "/metrics")
        assert answer.status == 200, answer
        lines = [it for it in answer.text.splitlines() if it and not it.startswith("#")]
        return {name: float(value) for name, value in (it.rsplit(" ", 1) for it in lines)}

    def metric(self, name: str) -> float:
        """All samples of one metric, added up."""
        samples = self.metrics().items()
        return sum(value for key, value in samples if key.split("{")[0] == name)

    def connections(self) -> int:
        return int(self.metric("tidegate_connections"))

    def ws(self, target, **options) -> "raw.Ws":
        return raw.Ws(self.port, target, **options)

    def publish(self, channel, data):
        answer = self.http("POST", "/api/publish", {"channel": channel, "data": data}, key="publish")
        assert answer.status == 200, answer
        return answer.json

    def history(self, channel, query="") -> list:
        """What a log has: offsets and payloads."""
        answer = self.http("GET", f"/api/channels/{channel}/history{query}", key="read")
        assert answer.status == 200, answer
        return [(it["offset"], it["data"]) for it in answer.json["items"]]

    def joined(self, ws, channel) -> None:
        """Waits until a plain client, whom nobody tells, hears its channel: its seat is asked for
        with the 101, and may be a moment later."""
        ws.sock.settimeout(0.2)
        for number in range(50):
            self.publish(channel, {"hello": number})
            try:
                while json.loads(ws.text()) != {"hello": number}:
                    pass
            except TimeoutError:
                continue
            ws.sock.settimeout(10)
            return
        raise AssertionError(f"nothing of {channel} is heard")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class House:
    """Starts gates, keeps what they said, and searches it for secrets at the end (A7)."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.said: list[tuple[str, str]] = []
        self.logs: list[pathlib.Path] = []
        self.count = 0

    @contextlib.contextmanager
    def open(self, routes=ROUTES, server=SERVER, common=COMMON, under=(), first=b""):
        self.count += 1
        gate = Gate(self.folder / f"{self.count}", server + common + routes, under, first)
        self.logs.append(gate.log_path)
        try:
            yield gate
            self.listen(gate)
        finally:
            gate.stop()
        assert "panicked" not in gate.log(), gate.log()[-2000:]
        assert gate.process.returncode == 0, (gate.process.returncode, gate.log()[-2000:])

    def listen(self, gate: Gate) -> None:
        """Keeps what the gate tells of itself."""
        assert gate.is_alive(), gate.log()[-2000:]
        for path in (
            "/metrics",
            "/",
            "/health/ready",
            "/api/monitoring/websocket/metrics",
            "/api/monitoring/websocket/active-connections",
        ):
            self.said.append((path, repr(gate.http("GET", path))))

    def check(self, config: str, **secrets) -> tuple[int, str]:
        """`tidegate check`: its exit status and what it says. `secrets` are in its environment."""
        self.count += 1
        path = self.folder / f"{self.count}.toml"
        path.write_text(config)
        done = subprocess.run(
            [binary(), "check", "--config", path],
            env=environment() | secrets,
            capture_output=True,
            text=True,
            timeout=20,
        )
        said = done.stdout + done.stderr
        self.said.append((f"check {path.name}", said))
        return done.returncode, said


def until(found, within=10.0, every=0.02):
    """Asks until the answer is not falsy, and returns it; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(every)


@contextlib.contextmanager
def watched(gate: Gate, grows_mib: float, canary=True):
    """What holds under any attack: alive, no panic, memory bounded, others served meanwhile.

    `grows_mib` is how much more memory there may be at the end, and on the way, than before. Yields
    an object that has the canary's figures afterwards.
    """
    before = gate.rss()
    watch = Watch(gate, before)
    bird = raw.Canary(gate.port) if canary else None
    try:
        yield watch
    except BaseException:
        if bird:
            bird.kill()
        raise
    if bird:
        watch.canary = bird.stop()
        assert watch.canary["lost"] == 0, watch.canary
        assert watch.canary["p99"] < 1.0, watch.canary
    assert gate.is_alive(), gate.log()[-2000:]
    assert "panicked" not in gate.log()
    watch.look()
    growth = (watch.most - before) / 2**20
    assert growth < grows_mib, f"{growth:.1f} MiB more than before"


class Watch:
    def __init__(self, gate, before):
        self.gate, self.most, self.canary = gate, before, None

    def look(self) -> None:
        """Looks at the memory now; the most ever seen counts."""
        self.most = max(self.most, self.gate.rss())

