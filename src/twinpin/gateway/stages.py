"""Stages: the steps behind the graph, as the gateway needs them: their tensors, and whether they can serve."""

from dataclasses import dataclass

from twinpin.step.plain import ENTITIES_TENSOR
from twinpin.step.served import Served
from twinpin.step.step import TensorSpec

FEATURES = "features"
PREPROCESS = "preprocess"
PREDICT = "predict"


@dataclass(frozen=True, slots=True)
class Stages:
    """The three steps, here or elsewhere; *features* is None where the graph has no feature store."""

    preprocess: Served
    predict: Served
    features: Served | None = None

    @property
    def entity_key(self) -> str | None:
        """The name of the features step's tensor of entities; None: no feature store, or not known yet."""
        if self.features is None or not self.features.inputs:
            return None
        return self.features.inputs[0].name

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The preprocessor's columns, and the tensor of entities that may come in their place."""
        if self.features is None:
            return self.preprocess.inputs
        entities = self.features.inputs[:1] or (TensorSpec(ENTITIES_TENSOR, "BYTES", (-1,)),)
        return self.preprocess.inputs + entities

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What predict gives."""
        return self.predict.outputs
