"""Step: one stage of the graph, which knows tensors and no transport."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

#: Name -> array, in the sender's order. Rows (one per forecast) run along the first axis of every array. Text is an
#: array of dtype object that holds str; numbers are never of dtype object.
Tensors: TypeAlias = dict[str, np.ndarray]

#: What the protocol lets travel beside the tensors. A structure (a list of entities) travels as JSON text.
Parameter: TypeAlias = str | int | float | bool
Parameters: TypeAlias = dict[str, Parameter]

# Names of parameters that the steps understand; every other one travels through unchanged.
PAIR = "pair"  # the pair id that stamps a message, p7-m12-3fa9c1
PREPROCESSOR_VERSION = "preprocessor_version"
MODEL_VERSION = "model_version"
TIME_POINT = "time_point"  # "now", or an ISO 8601 time
PARTIAL = "partial"  # true: leave out the entities that have no features, and list them under MISSING
ENTITY_KEY = "entity_key"  # join key, the name of the tensor that holds the entities
ENTITIES = "entities"  # JSON list: the entities of the rows, in row order
MISSING = "missing"  # JSON object: entity -> status, of those left out
QUANTILES = "quantiles"  # JSON list: what the values of a row of the forecast are, where they are quantiles
AS_OF = "as_of"  # JSON list: ISO time of the newest row used, in row order


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, V2 datatype and shape (-1: any) of one tensor, as model metadata shows it."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What travels with the tensors: the request's id, its parameters, and the time it may take."""

    id: str = ""
    parameters: Parameters = field(default_factory=dict)
    #: In seconds of `time.monotonic`; None: no limit.
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Tensors with their parameters and id: what one step hands to the next, in either direction."""

    tensors: Tensors
    parameters: Parameters = field(default_factory=dict)
    id: str = ""
    #: Names of the outputs asked for; empty: all.
    requested: tuple[str, ...] = ()
    #: In an answer: the `model_version` that made it.
    version: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A step's tensors, and the parameters that it adds to those of the request or puts in their place."""

    tensors: Tensors
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


class Described(Protocol):
    """What the protocol tells of a model, be it one step or the whole graph."""

    @property
    def name(self) -> str:
        """The name in `/v2/models/{name}`: features, preprocess, predict; forecast for the whole graph."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that it answers to; the first is the `model_version` of its answers."""

    @property
    def platform(self) -> str:
        """What does the work, as `project_framework`: feast_online, mlflow_pyfunc, xgboost_booster."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What goes in."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes out."""


class Step(Described, Protocol):
    """One stage of the graph.

    A step is made ready (loaded, warm) before it is served: no request ever loads anything. `run` is a plain function
    where the work is CPU, which the server keeps off the event loop, or a coroutine function where the work is waiting.
    It raises the errors of `twinpin.step.errors`; anything else it raises is a defect and is answered as `Broken`.
    """

    def run(self, tensors: Tensors, context: Context) -> Answer | Awaitable[Answer]:
        """Do the work of one request."""

    async def check(self) -> None:
        """Raise `Unavailable` where the step cannot serve now (its store is down); used by readiness and /health."""

    async def close(self) -> None:
        """Let go of stores and threads; called once, after the last request."""


@runtime_checkable
class Brief(Protocol):
    """A Step, some of whose work is shorter than handing it to a thread and back."""

    def at_once(self, tensors: Tensors, context: Context) -> Answer | None:
        """Do the work on the event loop where it is sure to take less than a millisecond; else None, at no cost."""
