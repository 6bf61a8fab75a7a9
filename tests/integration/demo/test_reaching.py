"""Reaching: a server that is not there is named before anything slow begins."""

import socket

import pytest

from demo_forecast import reaching


@pytest.fixture
def port():
    """A port that was free a moment ago."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "redis://me:secret@127.0.0.1:{}/2"])
def test_a_missing_server_is_named_without_its_password(form, port):
    """Host and port are what the reader can check."""
    with pytest.raises(reaching.NotReachable, match=f"no Redis at 127.0.0.1:{port}") as caught:
        reaching.require("Redis", form.format(port), 6379)

    assert "secret" not in str(caught.value)


def test_a_server_that_listens_is_enough():
    """Whether it is the right one shows soon."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        reaching.require("Redis", f"127.0.0.1:{server.getsockname()[1]}", 6379)
        visitor, address = server.accept()
        visitor.close()

        assert address[0] == "127.0.0.1"
