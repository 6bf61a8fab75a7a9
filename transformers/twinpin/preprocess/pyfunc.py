"""Preprocessor: any MLflow model that turns rows into numbers, called with what it declares."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twinpin.deferred import bare, deferred, later
from twinpin.pair.sdk import light
from twinpin.pair.signature import Signature, Spec, parse_signature, read_mlmodel
from twinpin.preprocess.bytecode import require_python
from twinpin.preprocess.table import Given, Table
from twinpin.step.errors import CannotStart, Impossible

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a server that forecasts reports to nobody

with light(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of type hints of its own
    import mlflow.exceptions
    import mlflow.models
    import mlflow.pyfunc
    import mlflow.sklearn

log = logging.getLogger(__name__)

#: MLflow type -> numpy type of a column in the frame.
FRAME = {"float": np.float32, "long": np.int64, "integer": np.int32, "boolean": np.bool_}

REFUSED = "The preprocessor refuses these values: compare them with the data that it was trained on."
UNDECLARED = (
    "The preprocessor cannot work with these columns, and declares none to check them by: "
    "send those that it was trained on, with values of the same types."
)


class Preprocessor:
    """A loaded preprocessor: a function from what it declares to whatever it returns."""

    def __init__(self, tree: Path) -> None:
        mlmodel = read_mlmodel(tree)
        self.tree = tree
        self.signature: Signature | None = parse_signature(mlmodel)
        self.flavours: dict[str, Any] = dict(mlmodel.get("flavors") or {})
        self._pyfunc: Any = None
        self._native: Any = None
        self._call = self._opened()

    def __call__(self, given: Given) -> Any:
        """Run it; Impossible where it refuses the values, any other error is a defect of it.

        Where nothing said what it takes, a column that it does not find or cannot reckon with is the client's matter.
        """
        absent = given.absent if isinstance(given, Table) else ()
        try:
            return self._call(framed(given))
        except (ValueError, mlflow.exceptions.MlflowException) as error:
            raise _refusal(REFUSED, absent, error) from error
        except (KeyError, TypeError) as error:
            if self._declares and not absent:
                raise
            raise _refusal(REFUSED if self._declares else UNDECLARED, absent, error) from error

    @property
    def _declares(self) -> bool:
        """Whether its signature says which columns of which types it takes."""
        return self.signature is not None and self.signature.inputs is not None

    @property
    def raw(self) -> Any:
        """What the pyfunc wraps: an estimator of scikit-learn, or an own PythonModel; None where it is not known."""
        if self._native is not None:
            return self._native
        conf = self.flavours["python_function"]
        if conf.get("loader_module") == "mlflow.pyfunc.model":
            return self._pyfunc.unwrap_python_model()
        return None

    def columns(self) -> tuple[Spec, ...] | None:
        """The input signature; for a scikit-learn one without it, the names that it was fitted with."""
        if self.signature is not None and self.signature.inputs is not None:
            return self.signature.inputs
        fitted = getattr(self.raw, "feature_names_in_", None)
        return None if fitted is None else tuple(Spec(str(name), "any") for name in fitted)

    def example(self) -> Any:
        """The input example that was logged with it, or None."""
        return mlflow.models.Model.load(str(self.tree)).load_input_example(str(self.tree))

    def _transforms(self) -> bool:
        """Whether it is scikit-learn's `transform` that is wanted.

        MLflow writes a pyfunc for `pyfunc_predict_fn="transform"`, and none without it; it loads neither (3.17).
        """
        pyfunc = self.flavours.get("python_function", {"predict_fn": "transform"})
        return "sklearn" in self.flavours and pyfunc.get("predict_fn") == "transform"

    def _opened(self) -> Callable[[Any], Any]:
        """Load it, and say what stops it: a module that the image lacks, or an artifact that MLflow cannot read."""
        try:
            return self._open()
        except ModuleNotFoundError as error:
            raise CannotStart(
                f"The preprocessor needs the Python module {error.name}, which is not installed here: "
                "add it to the image."
            ) from error
        except mlflow.exceptions.MlflowException as error:
            raise CannotStart(f"MLflow cannot load the preprocessor: {error.message}") from error

    def _open(self) -> Callable[[Any], Any]:
        """Load it as a pyfunc, or as scikit-learn's own."""
        require_python(self.tree, self.flavours)
        with warnings.catch_warnings(), _tree_untouched(), _light():
            warnings.simplefilter("ignore")  # of pickles and versions: the pair was checked when it was promoted
            if self._transforms():
                self._native = mlflow.sklearn.load_model(str(self.tree))
                return self._native.transform  # type: ignore[no-any-return]
            if "python_function" in self.flavours:
                self._pyfunc = mlflow.pyfunc.load_model(str(self.tree))
                return self._pyfunc.predict  # type: ignore[no-any-return]
        found = ", ".join(self.flavours) or "none"
        raise CannotStart(
            f"The preprocessor has neither a pyfunc nor a scikit-learn flavour (it has {found}): "
            "log it with mlflow.pyfunc, or with mlflow.sklearn and pyfunc_predict_fn='transform'."
        )


def _refusal(message: str, absent: Sequence[str], error: Exception) -> Impossible:
    """Tell the client what to do, and the log's reader what the preprocessor said."""
    log.debug("the preprocessor refuses a request", exc_info=error)
    also = f" The request leaves out {', '.join(absent)}, which may be why." if absent else ""
    return Impossible(message + also)


@contextmanager
def _tree_untouched() -> Iterator[None]:
    """Write no bytecode beside the code that an artifact brings: its tree must keep its digest."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


@contextmanager
def _light() -> Iterator[None]:
    """Defer what scikit-learn imports for other estimators, until they are used.

    The packages of imputers and of columns import neighbours and linear models, those import SciPy's statistics: 0.5 s
    and 30 MB. With scalers come splines and power transforms, which import SciPy's interpolation and optimization.
    """
    with (
        bare("sklearn.compose", "sklearn.impute"),
        deferred("scipy.stats", "scipy.optimize"),
        later("scipy.interpolate", "BSpline"),
    ):
        yield


def framed(given: Given) -> Any:
    """Make a DataFrame of a table; arrays go as they are."""
    if not isinstance(given, Table):
        return given
    if not given.others and not given.absent and not set(given.types) & FRAME.keys():
        return pd.DataFrame(given.matrix, columns=list(given.numeric))
    columns = dict(given.others)
    for place, (name, wanted) in enumerate(zip(given.numeric, given.types, strict=True)):
        columns[name] = given.matrix[:, place].astype(FRAME.get(wanted, np.float64))
    return pd.DataFrame({name: columns[name] for name in given.order})
