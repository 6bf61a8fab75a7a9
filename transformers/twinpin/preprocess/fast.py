"""The fast path: a plan that is proven equal to the preprocessor at start, or none and the reason in the log."""

import logging

import numpy as np

from twinpin.preprocess.arrays import ArrayLayout, Layout
from twinpin.preprocess.columns import ColumnLayout
from twinpin.preprocess.encoder import Unsupported
from twinpin.preprocess.plan import Plan, find_estimator, make_plan
from twinpin.preprocess.proof import Run, prove
from twinpin.preprocess.pyfunc import Preprocessor
from twinpin.preprocess.result import to_matrix
from twinpin.preprocess.table import Given, Table
from twinpin.step.errors import Impossible
from twinpin.step.step import Tensors

log = logging.getLogger(__name__)

#: Types whose values FP64 holds exactly and that scikit-learn computes in FP64.
EXACT = frozenset({"double", "long", "integer"})


def find_fast_path(
    preprocessor: Preprocessor, layout: Layout, names: tuple[str, ...] | None, example: Tensors | None
) -> Plan | None:
    """Make a plan and prove it against the *preprocessor*, on its *example* too; None where the pyfunc must do."""
    try:
        columns, whole = _columns(layout)
        plan = _plan(preprocessor, columns)
        prove(plan, whole, _runner(preprocessor, layout, names), _example(layout, example))
    except Unsupported as reason:
        log.info("no fast path, requests run the preprocessor itself: %s", reason)
        return None
    return plan


def _plan(preprocessor: Preprocessor, columns: list[str]) -> Plan:
    """Make the plan; what was never fitted lacks the numbers for one."""
    try:
        return make_plan(find_estimator(preprocessor.raw), columns)
    except AttributeError as error:
        raise Unsupported(f"it is not fitted, or of another release of scikit-learn ({error})") from error


def plain(given: Given) -> np.ndarray | None:
    """The FP64 matrix of what came, where it is nothing but one."""
    if isinstance(given, Table):
        return given.matrix if not given.absent and not given.others else None
    return given if isinstance(given, np.ndarray) and given.ndim == 2 else None  # noqa: PLR2004 -- a matrix


def _columns(layout: Layout) -> tuple[list[str], list[bool]]:
    """The names of the input columns, and which of them are whole numbers; Unsupported where not all are numbers."""
    if isinstance(layout, ColumnLayout) and layout.types is not None and set(layout.types) <= EXACT:
        return list(layout.names), [each != "double" for each in layout.types]
    if isinstance(layout, ArrayLayout):
        width = layout.plain_width
        if width is not None:
            return [str(place) for place in range(width)], [False] * width
    raise Unsupported("its signature is not one of double and whole-number columns, or one FP64 matrix")


def _runner(preprocessor: Preprocessor, layout: Layout, names: tuple[str, ...] | None) -> Run:
    """The preprocessor itself as a function from matrix to matrix."""

    def run(matrix: np.ndarray) -> np.ndarray:
        given = layout.table(matrix) if isinstance(layout, ColumnLayout) else matrix
        return to_matrix(preprocessor(given), len(matrix), names)

    return run


def _example(layout: Layout, example: Tensors | None) -> np.ndarray | None:
    """The example as a matrix."""
    if example is None:
        return None
    try:
        return plain(layout.take(example))
    except Impossible:
        return None
