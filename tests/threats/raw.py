"""HTTP and WebSockets by hand: what goes out is exactly what a test says, right or wrong.

Everything that comes in is searched for the canary word: nothing a client may see has a secret in
it.
"""

import itertools
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CANARY = b"SECRETCANARY"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="

# Answers, last words and close reasons, to be searched once more when the run is over (A7).
heard: list[bytes] = []


def listen(data: bytes) -> bytes:
    assert CANARY not in data, data
    return data


def connect(port, source=None, rcvbuf=None, timeout=10.0) -> socket.socket:
    sock = socket.socket()
    sock.settimeout(timeout)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    if source:
        sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def fresh(counter=itertools.count(1)) -> str:
    """An address of this machine that nobody has come from: bad guesses are counted by address."""
    number = next(counter)
    return f"127.9.{number // 250}.{number % 250 + 1}"


def drained(sock, within=5.0) -> tuple[bytes, bool]:
    """Everything that comes, and whether the other side has ended the stream in time."""
    deadline = time.monotonic() + within
    data = bytearray()
    while True:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            some = sock.recv(65536)
        except TimeoutError:
            return bytes(data), False
        except ConnectionError:
            return bytes(data), True
        if not some:
            return bytes(data), True
        data += listen(some)


class Answer:
    """An HTTP answer."""

    def __init__(self, head: bytes, body: bytes):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = [tuple(it.split(": ", 1)) for it in lines if it]
        self.body = body

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The name of the refusal."""
        return self.json["code"]

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:65536]!r}"


class Reader:
    """Bytes of a socket, by line or count."""

    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def more(self):
        some = self.sock.recv(262144)
        if not some:
            raise EOFError(self.held[:200])
        self.held += listen(some)

    def to(self, end: bytes) -> bytes:
        while end not in self.held:
            self.more()
        found, self.held = self.held.split(end, 1)
        return found

    def take(self, count: int) -> bytes:
        if len(self.held) < count:
            parts, have = [self.held], len(self.held)
            while have < count:
                some = self.sock.recv(262144)
                if not some:
                    raise EOFError
                parts.append(listen(some))
                have += len(some)
            self.held = b"".join(parts)
        found, self.held = self.held[:count], self.held[count:]
        return found

    def answer(self) -> Answer:
        head = self.to(b"\r\n\r\n")
        answer = Answer(head, b"")
        if answer.status not in (101, 204):
            chunked = (answer.header("transfer-encoding") or "").lower() == "chunked"
            answer.body = self.chunks() if chunked else self.take(
                int(answer.header("content-length") or 0)
            )
        heard.append(head + answer.body[:65536])
        return answer

    def chunks(self) -> bytes:
        body = b""
        while count := int(self.to(b"\r\n"), 16):
            body += self.take(count)
            self.take(2)
        self.take(2)
        return body


def request(method, target, headers=(), body=b"", host="127.0.0.1") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{n}: {v}" for n, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def http(port, method, path, body=None, headers=(), host="127.0.0.1", source=None, first=b""):
    fields = list(headers)
    if isinstance(body, str):
        body = body.encode()
    if body is not None:
        fields.append(("Content-Length", len(body)))
    with connect(port, source) as sock:
        sock.sendall(first + request(method, path, fields, body or b"", host))
        return Reader(sock).answer()


def handshake(target, origin=None, headers=(), host="127.0.0.1") -> bytes:
    """A request for a WebSocket as a browser makes it."""
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ]
    if origin is not None:
        fields.append(("Origin", origin))
    return request("GET", target, [*fields, *headers], host=host)


def asked(port, target, source=None, **options) -> Answer:
    """What a request for a WebSocket is answered; the connection is not kept."""
    with connect(port, source) as sock:
        sock.sendall(handshake(target, **options))
        return Reader(sock).answer()


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\1\2\3\4", length=None) -> bytes:
    """A frame; `length` is a claim of another length, in eight bytes."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    count = len(payload)
    if length is not None:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    elif count < 126:
        head += bytes([bit | count])
    elif count < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", count)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", count)
    if not mask:
        return head + payload
    whole = mask * (count // 4 + 1)
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(whole[:count], "big")
    return head + mask + masked.to_bytes(count, "big")


class Closed(Exception):
    """The other side said goodbye: its number and reason, 1006 and nothing if it only went."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(answer)
        self.answer = answer


class Ws:
    """A WebSocket client that does only what it is told; it does not even answer pings by itself."""

    def __init__(self, port, target, source=None, rcvbuf=None, timeout=10.0, **options):
        self.sock = connect(port, source, rcvbuf, timeout)
        self.reader = Reader(self.sock)
        self.ids = 0
        self.sock.sendall(handshake(target, **options))
        self.answer = self.reader.answer()
        if self.answer.status != 101:
            self.sock.close()
            raise Refused(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    close = __exit__

    def frame(self):
        """The next frame: opcode, payload, first byte."""
        try:
            first, second = self.reader.take(2)
            count = second & 127
            if count == 126:
                count = struct.unpack(">H", self.reader.take(2))[0]
            elif count == 127:
                count = struct.unpack(">Q", self.reader.take(8))[0]
            payload = self.reader.take(count)
        except (EOFError, ConnectionError):
            raise Closed(1006) from None
        if first & 15 == CLOSE:
            heard.append(payload)
            code = struct.unpack(">H", payload[:2])[0] if payload else 1005
            raise Closed(code, payload[2:].decode())
        return first & 15, payload, first

    def text(self) -> str:
        """The next message; pings in between are passed over."""
        while True:
            opcode, payload, _ = self.frame()
            if opcode == TEXT:
                return payload.decode()

    def json(self):
        said = self.text()
        if '"code"' in said:
            heard.append(said.encode())
        return json.loads(said)

    def send(self, data, opcode=TEXT, **options):
        data = data.encode() if isinstance(data, str) else data
        self.sock.sendall(frame(opcode, data, **options))

    def say(self, what):
        self.send(json.dumps(what))

    def ask(self, **command):
        """A command of the native dialect, and its answer."""
        self.ids += 1
        self.say({"id": self.ids, **command})
        while True:
            said = self.json()
            if said.get("id") == self.ids or "closing" in said:
                return said

    def end(self, within=None) -> Closed:
        """Reads until the other side says goodbye, and says how."""
        if within:
            self.sock.settimeout(within)
        try:
            while True:
                self.frame()
        except Closed as closed:
            self.sock.close()
            return closed


class Canary:
    """Someone who publishes and listens all the while, in a process of their own."""

    def __init__(self, port):
        script = pathlib.Path(__file__).with_name("canary.py")
        self.process = subprocess.Popen(
            [sys.executable, script, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline().strip() == "singing"

    def stop(self) -> dict:
        said, _ = self.process.communicate("", timeout=30)
        assert self.process.returncode == 0
        return json.loads(said)

    def kill(self):
        self.process.kill()
        self.process.communicate()
