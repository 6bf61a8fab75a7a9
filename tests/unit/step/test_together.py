"""Together: what is written in one turn of the loop is sent at once, and nothing is held for longer."""

import asyncio

import pytest

from twinpin.step.together import Together


class Recorder(asyncio.Transport):
    """Notes what is sent, a list for each system call."""

    def __init__(self):
        super().__init__({"peername": "them"})
        self.sent = []
        self.lost = False

    def is_closing(self):
        """Whether the client has gone."""
        return self.lost

    def write(self, data):
        """Note it."""
        self.sent.append([data])

    def writelines(self, list_of_data):
        """Note all of it as one call."""
        self.sent.append(list(list_of_data))

    def close(self):
        """Note that nothing more can be sent."""
        self.sent.append("closed")


@pytest.fixture
async def wire():
    """A connection."""
    return Recorder()


@pytest.fixture
async def together(wire):
    """What uvicorn writes to."""
    return Together(wire, asyncio.get_running_loop())


async def test_a_head_and_its_body_are_sent_at_once(wire, together):
    """In their order, and nothing comes after them."""
    together.write(b"head")
    together.write(b"body")
    await asyncio.sleep(0)

    assert wire.sent == [[b"head", b"body"]]


async def test_a_head_whose_body_takes_time_is_sent_alone(wire, together):
    """A client of an answer in pieces sees each of them when it is there."""
    together.write(b"head")
    await asyncio.sleep(0)
    together.write(b"late")
    await asyncio.sleep(0)

    assert wire.sent == [[b"head"], [b"late"]]


async def test_what_is_held_is_sent_before_the_connection_closes(wire, together):
    """A refusal reaches the client."""
    together.write(b"refused")
    together.close()
    await asyncio.sleep(0)

    assert wire.sent == [[b"refused"], "closed"]


async def test_nothing_is_sent_to_a_client_that_has_gone(wire, together):
    """To write to it would be an error of ours."""
    together.write(b"head")
    wire.lost = True
    await asyncio.sleep(0)

    assert wire.sent == []


async def test_three_writes_of_one_turn_keep_their_order(wire, together):
    """The third is held anew."""
    for piece in (b"1", b"2", b"3", b""):
        together.write(piece)
    await asyncio.sleep(0)

    assert b"".join(piece for call in wire.sent for piece in call) == b"123"


async def test_all_else_is_the_transports_own(together):
    """Addresses, for one."""
    assert together.get_extra_info("peername") == "them"
