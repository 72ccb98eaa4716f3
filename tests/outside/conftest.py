"""The gates that tests share: few processes, each looked over at its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import close_all
from gate import ADDRESSES, BINARY, EXAMPLES, Gate, running

CONFIGS = Path(__file__).parent / "configs"


def pytest_sessionstart() -> None:
    """Nothing works without the binary."""
    if not BINARY.exists():
        pytest.exit(f"there is no {BINARY}; run: cargo build -p tidegate", returncode=3)


@pytest.fixture(autouse=True)
def everyone_leaves() -> Iterator[None]:
    """A test that fails must not take the seats of those after it."""
    yield
    close_all()


@pytest.fixture
def address() -> str:
    """A client address with all its limits unused."""
    return ADDRESSES.fresh()


@pytest.fixture(scope="session")
def notifications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """System N, as its example has it."""
    folder = tmp_path_factory.mktemp("notifications")
    yield from running(Gate(EXAMPLES / "notifications.toml", folder, dev=True))


@pytest.fixture(scope="session")
def checkins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """System G, as its example has it."""
    folder = tmp_path_factory.mktemp("checkins")
    yield from running(Gate(EXAMPLES / "checkins.toml", folder, dev=True))


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The native dialect next to plain routes, with limits that show quickly."""
    folder = tmp_path_factory.mktemp("channels")
    yield from running(Gate(CONFIGS / "channels.toml", folder))
