"""A gateway over small steps in a process of its own."""

import pytest
from small_server import small_server


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a module that do not stop it."""
    with small_server() as running:
        yield running
