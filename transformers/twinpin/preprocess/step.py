"""The preprocess step: raw columns in, the matrix out, stamped with the pair that made it."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twinpin.pair.errors import PairError
from twinpin.pair.folder import PairFolder
from twinpin.pair.pin import Pin
from twinpin.pair.signature import Spec
from twinpin.preprocess.arrays import ArrayLayout, AsSent, Layout
from twinpin.preprocess.columns import ColumnLayout
from twinpin.preprocess.example import example_tensors
from twinpin.preprocess.fast import find_fast_path, plain
from twinpin.preprocess.inputs import Inputs, declared
from twinpin.preprocess.plan import Plan
from twinpin.preprocess.pyfunc import Preprocessor
from twinpin.preprocess.result import check_gaps, to_matrix
from twinpin.preprocess.settings import Settings
from twinpin.preprocess.table import Given
from twinpin.step.block import size
from twinpin.step.errors import Broken, CannotStart, Impossible
from twinpin.step.settings import ObserveSettings
from twinpin.step.step import MODEL_VERSION, PAIR, PREPROCESSOR_VERSION, Answer, Context, Tensors, TensorSpec
from twinpin.step.telemetry import MODEL_LOAD_SECONDS

log = logging.getLogger(__name__)

MATRIX = "matrix"
#: Values up to which the proven numpy path takes well under a millisecond.
FEW = 20_000


class PreprocessStep:
    """The preprocessor of one pair, whose stamp every answer carries."""

    name = "preprocess"
    platform = "mlflow_pyfunc"

    def __init__(
        self, pin: Pin, preprocessor: Preprocessor, layout: Layout, plan: Plan | None, settings: Settings
    ) -> None:
        self._pin = pin
        self._preprocessor = preprocessor
        self._layout = layout
        self._plan = plan
        self._settings = settings
        self._names = output_names(preprocessor)
        self._seen: TensorSpec | None = None
        #: Sums up what requests bring, where that is wanted.
        self.observed: Inputs | None = None
        self._stamp = {
            PAIR: pin.id,
            PREPROCESSOR_VERSION: pin.preprocessor.version,
            MODEL_VERSION: pin.model.version,
        }

    @property
    def versions(self) -> tuple[str, ...]:
        """The preprocessor's version, and the pair's id, which names it too."""
        return (self._pin.preprocessor.version, self._pin.id)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The preprocessor's columns or tensors; none where it declares none."""
        return self._layout.metadata

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The matrix, its columns in the preprocessor's own order: as wide as the row that warmed it up was."""
        width = len(self._names) if self._names else -1
        return (TensorSpec(MATRIX, "FP64", (-1, width)) if self._seen is None else self._seen,)

    @property
    def fast(self) -> bool:
        """Whether requests take the numpy path that was proven equal to the preprocessor."""
        return self._plan is not None

    def run(self, tensors: Tensors, context: Context) -> Answer:  # noqa: ARG002 -- the seam's signature
        """Preprocess every row: columns in, `[n, m]` FP32 or FP64 out."""
        with np.errstate(all="ignore"):  # what overflows becomes infinite, and is refused as such
            given = self._layout.take(tensors)
            return self._answer(self._matrix(given), given)

    def at_once(self, tensors: Tensors, context: Context) -> Answer | None:  # noqa: ARG002 -- the seam's signature
        """Preprocess few rows by the proven path; None where there is none, or it does not cover what came."""
        if self._plan is None or size(tensors) > FEW:
            return None
        with np.errstate(all="ignore"):
            given = self._layout.take(tensors)
            matrix = plain(given)
            return None if matrix is None else self._answer(self._plan(matrix), given)

    def require(self, given: Sequence[TensorSpec]) -> None:
        """Raise Impossible where tensors as *given*, the outputs of the step before, can never be preprocessed."""
        self._layout.require(given)

    async def check(self) -> None:
        """Serve always: the preprocessor is warm before the step exists."""

    async def close(self) -> None:
        """Take this pair's figures out of the metrics."""
        if self.observed is not None:
            self.observed.close()

    def warm_up(self, tensors: Tensors | None) -> None:
        """Run once, so that no request pays for the first; a result that is no matrix will never be one."""
        if tensors is None:
            log.info("the preprocessor declares neither a signature nor an example, so nothing warms it up")
            return
        try:
            matrix = self.run(tensors, Context()).tensors[MATRIX]
        except Impossible as error:
            log.info("the preprocessor refuses the row that should warm it up: %s", error.message)
        except Broken as error:
            raise CannotStart(error.message) from error
        else:
            datatype = "FP32" if matrix.dtype == np.float32 else "FP64"
            self._seen = TensorSpec(MATRIX, datatype, (-1, matrix.shape[1]))

    def _answer(self, matrix: np.ndarray, given: Given) -> Answer:
        """Stamp a matrix without a gap that nobody imputed."""
        if self.observed is not None and self.observed.due:
            self.observed.look(given)
        check_gaps(matrix, given, self._names, allow_missing=self._settings.allow_missing)
        return Answer({MATRIX: matrix}, self._stamp)

    def _matrix(self, given: Given) -> np.ndarray:
        """Take the proven path where it covers what came, else the preprocessor itself."""
        if self._plan is not None:
            matrix = plain(given)
            if matrix is not None:
                return self._plan(matrix)
        rows = len(next(iter(given.values())) if isinstance(given, dict) else given)
        return to_matrix(self._preprocessor(given), rows, self._names)


def load(pair_dir: Path, settings: Settings, observe: ObserveSettings) -> PreprocessStep:
    """Load the preprocessor of a pair folder, prove its fast path, run it once; CannotStart where it cannot serve."""
    started = time.monotonic()
    try:
        step = _load(PairFolder(pair_dir), settings, observe)
    except PairError as error:
        raise CannotStart(error.message) from error
    MODEL_LOAD_SECONDS.labels("preprocessor").set(time.monotonic() - started)
    return step


def _load(folder: PairFolder, settings: Settings, observe: ObserveSettings) -> PreprocessStep:
    """Load it from its verified tree."""
    pin = folder.verified("preprocessor")
    preprocessor = Preprocessor(folder.preprocessor)
    layout = layout_of(preprocessor.columns())
    example = example_tensors(preprocessor.example())
    names = output_names(preprocessor)
    plan = find_fast_path(preprocessor, layout, names, example) if settings.preprocess_fast_path else None
    step = PreprocessStep(pin, preprocessor, layout, plan, settings)
    step.warm_up(example if example is not None else layout.zeros())
    step.observed = _observed(pin, layout, observe) if observe.observe else None
    way = "as numpy, proven equal to the pyfunc" if plan else "as the pyfunc itself"
    log.info("preprocessor %s of pair %s is warm, %s", pin.preprocessor.version, pin.id, way)
    return step


def _observed(pin: Pin, layout: Layout, observe: ObserveSettings) -> Inputs | None:
    """Begin to sum up the inputs, from the first request on."""
    names = declared(layout)
    if not names:
        log.info(
            "preprocessor %s declares no numeric columns, so its inputs are not summed up", pin.preprocessor.version
        )
        return None
    return Inputs(pin.id, names, observe.observe_columns, observe.observe_interval)


def layout_of(specs: tuple[Spec, ...] | None) -> Layout:
    """Choose how tensors become what the preprocessor takes."""
    if specs is not None and any(spec.tensor for spec in specs):
        return ArrayLayout(specs)
    if specs is None or any(spec.name is None for spec in specs):
        return AsSent()
    return ColumnLayout(specs)


def output_names(preprocessor: Preprocessor) -> tuple[str, ...] | None:
    """The names of the output columns: the signature's, else those that a scikit-learn one gives them."""
    outputs = preprocessor.signature.outputs if preprocessor.signature else None
    if outputs and all(spec.name and not spec.tensor for spec in outputs):
        return tuple(str(spec.name) for spec in outputs)
    return None
