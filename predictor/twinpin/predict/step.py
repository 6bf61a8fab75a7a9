"""The predict step: the matrix in, the forecast out, for one pair only."""

import json
import logging
import time
from pathlib import Path

import numpy as np

from twinpin.pair.errors import PairError
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.signature import Signature, Spec, read_signature
from twinpin.predict.booster import Forecaster
from twinpin.predict.cpus import available_cpus
from twinpin.predict.flavour import read_flavour
from twinpin.predict.gpu_memory import show_memory
from twinpin.predict.matrix import MATRIX, Matrices
from twinpin.predict.sdk import xgboost
from twinpin.predict.settings import Settings
from twinpin.step import tracing
from twinpin.step.block import row_counts
from twinpin.step.errors import Broken, CannotStart, PairMismatch
from twinpin.step.observed import FORECAST as COLUMN
from twinpin.step.observed import OBSERVATIONS, Observed
from twinpin.step.settings import ObserveSettings
from twinpin.step.step import (
    MODEL_VERSION,
    PAIR,
    PREPROCESSOR_VERSION,
    QUANTILES,
    Answer,
    Context,
    Tensors,
    TensorSpec,
)
from twinpin.step.telemetry import MODEL_LOAD_SECONDS, show_device

log = logging.getLogger(__name__)

FORECAST = "forecast"


class PredictStep:
    """The model of one pair. A message that another pair's preprocessor stamped is refused with PairMismatch."""

    name = "predict"
    platform = "xgboost_booster"

    def __init__(self, pin: Pin, forecaster: Forecaster, matrices: Matrices, output: str) -> None:
        self._pin = pin
        self._forecaster = forecaster
        self._matrices = matrices
        self._output = output
        #: Sums up the forecasts, where that is wanted.
        self.observed: Observed | None = None
        self._stamp = {
            PAIR: pin.id,
            PREPROCESSOR_VERSION: pin.preprocessor.version,
            MODEL_VERSION: pin.model.version,
        }
        if forecaster.quantiles:
            self._stamp[QUANTILES] = json.dumps(forecaster.quantiles)

    @property
    def versions(self) -> tuple[str, ...]:
        """The model's version, and the pair's id, which names it too."""
        return (self._pin.model.version, self._pin.id)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The matrix, its columns in the order of the preprocessor's output."""
        return (TensorSpec(MATRIX, "FP32", (-1, self._forecaster.width)),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The forecast, one row of horizon values per row of the matrix."""
        return (TensorSpec(self._output, "FP32", (-1, self._forecaster.horizon)),)

    @property
    def device(self) -> str:
        """Where the booster runs: cpu or cuda."""
        return self._forecaster.device

    def run(self, tensors: Tensors, context: Context) -> Answer:
        """Forecast every row: `[n, width]` in, `[n, horizon]` FP32 out; quantiles are named in the parameters."""
        self._check_stamp(context)
        matrix = self._matrices.take(tensors)
        try:
            if tracing.recording() is None:
                forecast = self._forecaster(matrix)
            else:
                with tracing.span("run model", {tracing.ROWS: len(matrix)}):
                    forecast = self._forecaster(matrix)
        except xgboost.core.XGBoostError as error:
            raise Broken("The model could not predict these rows; the log of the predict step says why.") from error
        if self.observed is not None and self.observed.due:
            self.observed.look(forecast[:, np.newaxis])
        return Answer({self._output: np.asarray(forecast, dtype=np.float32)}, self._stamp)

    def at_once(self, tensors: Tensors, context: Context) -> Answer | None:
        """Forecast few rows; None where they would take more than a millisecond."""
        if not self._forecaster.brief(max(row_counts(tensors), default=0)):
            return None
        return self.run(tensors, context)

    async def check(self) -> None:
        """Serve always: the model is warm before the step exists."""

    async def close(self) -> None:
        """Take this pair's figures out of the metrics."""
        if self.observed is not None:
            OBSERVATIONS.remove(self.observed)

    def _check_stamp(self, context: Context) -> None:
        """Refuse another pair's message; one without a stamp comes from a client that brings its own matrix."""
        stamp = context.parameters.get(PAIR)
        if stamp is not None and stamp != self._pin.id:
            raise PairMismatch(
                f"The message was made by pair {stamp} and this model belongs to pair {self._pin.id}: send the raw "
                "columns to the graph again, so that one pair answers both steps."
            )


def load(pair_dir: Path, settings: Settings, observe: ObserveSettings) -> PredictStep:
    """Load the model of a pair folder and predict once; CannotStart where it cannot serve."""
    started = time.monotonic()
    try:
        step = _load(PairFolder(pair_dir), settings, observe)
    except PairError as error:
        raise CannotStart(error.message) from error
    MODEL_LOAD_SECONDS.labels("model").set(time.monotonic() - started)
    show_device(step.device)
    if step.device == "cuda":
        show_memory()
    return step


def _load(folder: PairFolder, settings: Settings, observe: ObserveSettings) -> PredictStep:
    """Load it from its verified tree."""
    pin = folder.verified("model")
    flavour = read_flavour(folder.model)
    threads = settings.predict_threads or available_cpus()
    forecaster = Forecaster(flavour, settings.device, threads, walks=settings.predict_fast_path)
    names = _names(flavour.signature.inputs if flavour.signature else None, forecaster)
    matrices = Matrices(forecaster.width, names, _preprocessed(folder.preprocessor))
    log.info(
        "model %s of pair %s is warm: %d columns, %d values per row, %s, threads: %d, rows that are walked: %d",
        pin.model.version,
        pin.id,
        forecaster.width,
        forecaster.horizon,
        forecaster.device,
        forecaster.threads,
        forecaster.walked,
    )
    step = PredictStep(pin, forecaster, matrices, _output(flavour.signature))
    if observe.observe:
        step.observed = Observed(pin.id, [COLUMN], forecaster.horizon, interval=observe.observe_interval)
        OBSERVATIONS.add(step.observed)
    return step


def _names(specs: tuple[Spec, ...] | None, forecaster: Forecaster) -> tuple[str, ...] | None:
    """The names of the model's columns: the booster's own, else those of its signature."""
    if specs is not None and not any(spec.tensor for spec in specs) and len(specs) != forecaster.width:
        raise CannotStart(
            f"The model's signature declares {len(specs)} columns and its booster takes {forecaster.width}: "
            "log the model with the signature of the data that it was trained on."
        )
    return forecaster.names or column_names(specs)


def _preprocessed(tree: Path) -> tuple[str, ...] | None:
    """The names of the preprocessor's output columns, in its order."""
    signature = read_signature(tree)
    return column_names(signature.outputs) if signature else None


def column_names(specs: tuple[Spec, ...] | None) -> tuple[str, ...] | None:
    """The names of a column signature; None where it is one of tensors, or a name is lacking."""
    if not specs or any(spec.tensor or spec.array or spec.name is None for spec in specs):
        return None
    return tuple(str(spec.name) for spec in specs)


def _output(signature: Signature | None) -> str:
    """The name of the model's one output, where its signature gives it one."""
    outputs = signature.outputs if signature else None
    return outputs[0].name or FORECAST if outputs and len(outputs) == 1 else FORECAST
