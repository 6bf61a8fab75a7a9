"""Schema: whether what a preprocessor gives is what a model takes, as far as both declare it."""

import math
from collections.abc import Sequence

from twinpin.pair.errors import SchemaMisfit
from twinpin.pair.signature import Signature, Spec

NUMBERS = ("bool", "int", "uint", "float", "long", "double")
TEXT = ("string", "str", "object", "<U", "|S")


def require_fit(preprocessor: Signature | None, model: Signature | None) -> None:
    """Raise SchemaMisfit unless the preprocessor's outputs fit the model's inputs; silence on a side fits."""
    given = preprocessor.outputs if preprocessor else None
    taken = model.inputs if model else None
    if not given or not taken:
        return
    if _named(given) and _named(taken):
        _require_names(given, taken)
    else:
        _require_places(given, taken)


def _named(specs: Sequence[Spec]) -> bool:
    """Whether parts are matched by name; one tensor is the whole matrix, whatever it is called."""
    return all(spec.name is not None for spec in specs) and not (len(specs) == 1 and specs[0].tensor)


def _require_names(given: Sequence[Spec], taken: Sequence[Spec]) -> None:
    """Match by name: a missing part cannot be made up, one too many would shift the matrix."""
    gives = {spec.name: spec for spec in given}
    takes = {spec.name: spec for spec in taken}
    missing = [spec.name for spec in taken if spec.required and spec.name not in gives]
    surplus = [spec.name for spec in given if spec.name not in takes]
    if missing or surplus:
        words = [f"does not give {_listed(missing)}"] if missing else []
        words += [f"gives {_listed(surplus)}, which the model does not take"] if surplus else []
        raise _misfit(f"The preprocessor {' and '.join(words)}.")
    for name, spec in gives.items():
        _require_kind(spec, takes[name], f"column {name!r}")


def _require_places(given: Sequence[Spec], taken: Sequence[Spec]) -> None:
    """Match by place: columns or a tensor's width, where both are known."""
    gives, takes = _width(given), _width(taken)
    if gives is not None and takes is not None and gives != takes:
        raise _misfit(f"The preprocessor gives {gives} columns, the model takes {takes}.")
    if len(given) == len(taken):
        for place, (left, right) in enumerate(zip(given, taken, strict=True)):
            _require_kind(left, right, f"column {place}")
    else:
        kinds = {_kind(spec.dtype) for spec in (*given, *taken) if not spec.open}
        if len(kinds) > 1:
            raise _misfit(f"The preprocessor and the model mix {_listed(sorted(kinds))} in one matrix.")


def _width(specs: Sequence[Spec]) -> int | None:
    """Count the columns of a matrix made of these parts; None where that is left open."""
    widths = [_columns(spec) for spec in specs]
    return None if any(width is None for width in widths) else sum(width for width in widths if width is not None)


def _columns(spec: Spec) -> int | None:
    """Count the columns that one part fills; the first axis of a tensor is the rows."""
    if spec.shape is None:
        return None if spec.array or spec.open else 1
    rest = spec.shape[1:]
    return None if any(length < 0 for length in rest) else math.prod(rest)


def _require_kind(left: Spec, right: Spec, what: str) -> None:
    """Refuse what no cast turns into the other: numbers and text, numbers and times."""
    if left.open or right.open:
        return
    if _kind(left.dtype) != _kind(right.dtype):
        raise _misfit(f"In {what} the preprocessor gives {left.dtype}, the model takes {right.dtype}.")
    if left.tensor and right.tensor and None not in (_columns(left), _columns(right)):
        if _columns(left) != _columns(right):
            raise _misfit(f"In {what} the preprocessor gives shape {left.shape}, the model takes {right.shape}.")
    elif left.array != right.array and not (left.tensor or right.tensor):
        raise _misfit(f"In {what} one side is an array, the other one value.")


def _kind(dtype: str) -> str:
    """Group the types of MLflow and of numpy by what casts into each other."""
    if dtype.startswith("datetime"):
        return "times"
    if dtype.startswith(NUMBERS):
        return "numbers"
    return "text" if dtype.startswith(TEXT) else dtype


def _listed(names: Sequence[object], most: int = 5) -> str:
    """Name a few: a schema may have hundreds."""
    text = ", ".join(map(str, names[:most]))
    return text if len(names) <= most else f"{text} and {len(names) - most} more"


def _misfit(message: str) -> SchemaMisfit:
    """Say what mends it, which no command does: one of the two was logged for another."""
    return SchemaMisfit(
        f"{message} One half was made for another pair, or logged with a wrong signature.",
        mend="twinpin promote --run RUN_ID",
    )
