"""Block: columns of one datatype and one number of rows, whose values lie in one array."""

import numpy as np


class Block(dict[str, np.ndarray]):
    """Tensors `[rows]` by name that are the rows of *matrix* `[columns, rows]`: what takes all of them takes it whole.

    A wide row (144 lags are usual) otherwise costs a walk over its tensors in every place that looks at one.
    """

    __slots__ = ("matrix", "names")

    def __init__(self, names: tuple[str, ...], matrix: np.ndarray) -> None:
        super().__init__(zip(names, matrix, strict=True))
        self.names = names
        self.matrix = matrix


def row_counts(tensors: dict[str, np.ndarray]) -> set[int]:
    """Return the different numbers of rows of *tensors*; one without an axis has -1."""
    if isinstance(tensors, Block):
        return {tensors.matrix.shape[1]} if tensors.names else set()
    return {shape[0] if shape else -1 for shape in {values.shape[:1] for values in tensors.values()}}


def rows_of(tensors: dict[str, np.ndarray]) -> int:
    """Return the rows of the first of *tensors*, at once however many there are; 1 where none names its rows."""
    shape = next(iter(tensors.values())).shape if tensors else ()
    return shape[0] if shape else 1


def size(tensors: dict[str, np.ndarray]) -> int:
    """Count the values of all *tensors*."""
    if isinstance(tensors, Block):
        return tensors.matrix.size
    return sum([values.size for values in tensors.values()])
