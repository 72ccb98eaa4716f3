"""The store's commands, beside a running gateway and without one: R59, L8, L9, L16."""

import shutil
import subprocess
from pathlib import Path

from gate import BINARY, EXAMPLES, Gate, running
from test_logs import read


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs `tidegate store …`."""
    said = [BINARY, "store", *map(str, words)]
    return subprocess.run(said, capture_output=True, text=True, timeout=60, check=False)


def test_a_store_is_looked_at_checked_and_copied_while_it_is_written(tmp_path: Path) -> None:
    """And the copy is as good as what it is a copy of."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path / "gate")
    for _ in running(gate):
        for number in range(50):
            gate.publish("log:kept", number)
        data = gate.folder / "data"
        stats = command("stats", "--data-dir", data)
        assert stats.returncode == 0 and "log:kept" in stats.stdout, stats
        verified = command("verify", "--data-dir", data)
        assert verified.returncode == 0 and "50 messages" in verified.stdout, verified
        copy = tmp_path / "copy.db"
        copied = command("backup", "--data-dir", data, "--to", copy)
        assert copied.returncode == 0, copied
        again = command("backup", "--data-dir", data, "--to", copy)
        assert again.returncode == 1 and "exists already" in again.stderr, again
        gate.publish("log:kept", "after the copy")

    restored = Gate(EXAMPLES / "state.toml", tmp_path / "restored")
    (restored.folder / "data").mkdir()
    shutil.copy(copy, restored.folder / "data" / "tidegate.db")
    for _ in running(restored):
        page = read(restored, "log:kept")
        assert (page["head"], [it["data"] for it in page["items"]]) == (50, list(range(50)))


def test_what_is_damaged_is_found_set_aside_and_does_not_stop_the_start(tmp_path: Path) -> None:
    """L9: one flipped byte in one message; every other log goes on."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path)
    for _ in running(gate):
        for channel in ["log:good", "log:bad"]:
            for number in range(20):
                gate.publish(channel, f"{channel} says {number}")
    database = gate.folder / "data" / "tidegate.db"
    content = bytearray(database.read_bytes())
    place = content.rindex(b"log:bad says 7")
    content[place + 4] ^= 1
    database.write_bytes(content)
    verified = command("verify", "--data-dir", gate.folder / "data")
    assert verified.returncode == 1 and "log:bad" in verified.stdout, verified
    for _ in running(gate):
        assert len(read(gate, "log:good")["items"]) == 20
        assert read(gate, "log:bad")["items"] == []
        assert gate.metric("tidegate_store_damaged_total") == 1
        assert "ERROR" in gate.log()
        assert gate.publish("log:bad", "afresh")["offset"] == 1


def test_two_processes_do_not_share_a_store(tmp_path: Path) -> None:
    """L16: the second says which directory, and that another process has it."""
    gate = Gate(EXAMPLES / "state.toml", tmp_path)
    for _ in running(gate):
        second = [BINARY, "run", "--config", gate.config, "--listen", "127.0.0.1:0"]
        ended = subprocess.run(
            second, env=gate.surroundings(), capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 1, ended
        assert "another process has this data directory open" in ended.stderr, ended.stderr


def test_a_store_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """And nothing is made in its place."""
    for words in [["stats"], ["verify"], ["backup", "--to", tmp_path / "copy"]]:
        ended = command(words[0], "--data-dir", tmp_path, *words[1:])
        assert ended.returncode == 1 and "there is no store" in ended.stderr, ended
    assert list(tmp_path.iterdir()) == []
