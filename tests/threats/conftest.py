"""The gates that the threat tests share."""

import os
import pytest

import gate as gates
import tokens
from nginx import Nginx


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """Starts gates. When all tests are done, nothing any of them said may hold a secret."""
    os.environ["CANARY_TOKEN"] = tokens.token("canary", ttl=3600)
    return gates.House(tmp_path_factory.mktemp("threats"))


@pytest.fixture(scope="session")
def gate(house):
    """The gate that most threats meet: native, plain and echo, without limits."""
    with house.open() as gate:
        yield gate


@pytest.fixture
def nginx(gate, tmp_path):
    """nginx before the shared gate. `./setup` installs it."""
    proxy = Nginx(tmp_path, gate.port)
    yield proxy
    proxy.stop()


def pytest_collection_modifyitems(items):
    """Secrets are searched for when everything else has been said."""
    items.sort(key=lambda it: "test_secrecy_of_it_all" in it.nodeid)
