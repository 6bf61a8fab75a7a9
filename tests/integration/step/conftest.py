"""One echo step in a process of its own, shared by all tests that leave it as it was."""

import pytest
from step_process import serving


@pytest.fixture(scope="session")
def echo_server(tmp_path_factory):
    """The shared server."""
    with serving(tmp_path_factory.mktemp("echo"), max_body_bytes=1 << 20, max_rows=1000, threads=2) as server:
        yield server


@pytest.fixture
def own_server(tmp_path):
    """Start servers that a test may stop or break."""
    opened = []

    def start(**settings):
        context = serving(tmp_path / f"server{len(opened)}", **settings)
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)
