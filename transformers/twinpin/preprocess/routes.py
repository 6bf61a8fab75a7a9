"""Which tensor gives which column: by name, or a lag out of a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinpin.step.errors import Impossible
from twinpin.step.lags import LAG

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Window:
    """Columns that come out of one window."""

    tensor: str
    #: Positions of the columns among those asked for.
    columns: np.ndarray
    #: Lag of each column, 0 for the newest value.
    lags: np.ndarray


@dataclass(frozen=True, slots=True)
class Routes:
    """Where columns come from."""

    #: Tensors that are columns, and the positions of those columns.
    direct: tuple[str, ...]
    places: np.ndarray
    windows: tuple[Window, ...]
    #: Optional columns that no tensor gives.
    absent: tuple[str, ...]
    #: Where every column stands among the tensors; None where not each of them is a tensor.
    among: np.ndarray | None
    #: Where every column stands in all windows laid side by side; None where not each of them is a lag of one.
    across: np.ndarray | None


def find_routes(columns: Sequence[str], optional: frozenset[str], widths: Mapping[str, int | None]) -> Routes:
    """Find every one of the *columns* among tensors of these *widths* (None: no second axis).

    Impossible names all columns that are lacking and all windows that are too short, at once.
    """
    direct = [(name, place) for place, name in enumerate(columns) if name in widths]
    lagged: dict[str, list[tuple[int, int]]] = {}
    absent: list[str] = []
    for place, name in enumerate(columns):
        if name in widths:
            continue
        found = LAG.fullmatch(name)
        if found and found["feature"] in widths:
            lagged.setdefault(found["feature"], []).append((place, int(found["lag"])))
        else:
            absent.append(name)
    _refuse_lacking(columns, [name for name in absent if name not in optional])
    _refuse_short(lagged, widths)
    _refuse_windows([name for name, _ in direct if _length(widths[name]) != 1])
    windows = [
        Window(feature, np.array([place for place, _ in places]), np.array([lag for _, lag in places]))
        for feature, places in lagged.items()
    ]
    return Routes(
        tuple(name for name, _ in direct),
        np.array([place for _, place in direct], dtype=np.intp),
        tuple(windows),
        tuple(absent),
        _among(columns, widths) if len(direct) == len(columns) else None,
        None if direct or absent else _across(columns, windows, widths),
    )


def _among(columns: Sequence[str], widths: Mapping[str, int | None]) -> np.ndarray:
    """Find each column's place among the tensors."""
    places = {name: place for place, name in enumerate(widths)}
    return np.array([places[name] for name in columns], dtype=np.intp)


def _across(columns: Sequence[str], windows: Sequence[Window], widths: Mapping[str, int | None]) -> np.ndarray:
    """Find each column's place in the windows side by side, whose newest values stand last."""
    places = np.empty(len(columns), dtype=np.intp)
    end = 0
    for window in windows:
        end += _length(widths[window.tensor])
        places[window.columns] = end - 1 - window.lags
    return places


def listed(names: Sequence[str]) -> str:
    """Name the first few of many."""
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _refuse_lacking(columns: Sequence[str], lacking: Sequence[str]) -> None:
    """Name what no tensor gives."""
    if lacking:
        raise Impossible(
            f"{len(lacking)} of the preprocessor's {len(columns)} columns are not in the request: {listed(lacking)}."
        )


def _refuse_short(lagged: Mapping[str, Sequence[tuple[int, int]]], widths: Mapping[str, int | None]) -> None:
    """Name the windows that do not reach back far enough."""
    needs = {feature: 1 + max(lag for _, lag in places) for feature, places in lagged.items()}
    short = [
        f"{feature} ({_length(widths[feature])} of {need})"
        for feature, need in needs.items()
        if _length(widths[feature]) < need
    ]
    if short:
        raise Impossible(f"Windows hold fewer values than the preprocessor looks back: {listed(short)}.")


def _length(width: int | None) -> int:
    """Count the values of a row: one where there is no second axis."""
    return 1 if width is None else width


def _refuse_windows(wide: Sequence[str]) -> None:
    """Name the windows that stand where one value per row is wanted."""
    if wide:
        raise Impossible(
            f"The preprocessor takes one value per row for {listed(wide)}, and a window came: "
            f"send one value, or declare lags of it such as {wide[0]}_lag_0."
        )
