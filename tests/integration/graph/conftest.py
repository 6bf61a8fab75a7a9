"""What the tests of the graph share: steps over HTTP."""

import pytest
from stub_steps import StubSteps


@pytest.fixture(scope="module")
def stubs():
    """A server of stub steps on a free port."""
    with StubSteps() as server:
        yield server
