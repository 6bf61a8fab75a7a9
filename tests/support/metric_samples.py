"""What this process's metrics say, and by how much they grow."""

from contextlib import contextmanager

from prometheus_client import REGISTRY


def sample(name, **labels):
    """The value of one sample; 0 where there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@contextmanager
def growth(name, **labels):
    """A list that holds, after the block, how much a sample grew in it."""
    before, grown = sample(name, **labels), []
    yield grown
    grown.append(sample(name, **labels) - before)
