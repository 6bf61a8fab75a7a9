"""The entity key of a features step that runs elsewhere is known only once it was asked."""

import dataclasses

import numpy as np
import pytest

from twinpin.generations import Serving
from twinpin.step.errors import Unavailable
from twinpin.step.step import Message


class Elsewhere(Serving):
    """A step that tells what it takes when it is asked how it is, as one behind an address does."""

    def __init__(self, step, *, down=False):
        super().__init__(lambda: step)
        self.asked = False
        self.down = down

    @property
    def inputs(self):
        """Nothing, before it was asked."""
        return super().inputs if self.asked else ()

    async def check(self):
        """Be asked."""
        if self.down:
            raise Unavailable("the feature store cannot be read; try again")
        self.asked = True


@pytest.fixture
def forecasts(graph):
    """A gateway that has just started."""
    made = graph.gateway.forecasts
    made.stages = dataclasses.replace(made.stages, features=Elsewhere(made.stages.features))
    return made


async def test_entities_are_known_from_the_first_request_on(forecasts):
    """It is asked then, and never again."""
    request = Message({"location_id": np.array([1], dtype=np.int64)})
    first = await forecasts.infer(request)
    forecasts.stages.features.down = True
    second = await forecasts.infer(request)

    assert first.tensors.keys() == second.tensors.keys()


async def test_while_it_cannot_tell_the_answer_says_so(forecasts):
    """503, and not that the columns are wrong."""
    forecasts.stages.features.down = True
    with pytest.raises(Unavailable, match="feature store"):
        await forecasts.infer(Message({"location_id": np.array([1], dtype=np.int64)}))


async def test_columns_do_not_wait_for_it(forecasts):
    """A column of the preprocessor's is no entity key."""
    forecasts.stages.features.down = True
    answer = await forecasts.infer(Message({"temp": np.ones((1, 3))}))

    assert answer.tensors
