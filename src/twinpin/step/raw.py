"""The raw form: the request that a step of ours hands to the next through KServe's router, without a number as text.

It is the protocol's binary tensor data extension, but for the length of its JSON: the router keeps the bytes of a body
and loses the header that tells it. Here the JSON ends at the first NUL, which JSON text never holds (RFC 8259, 7).

A `Block` travels as one tensor `[columns, rows]` whose parameter names the columns: a hundred tensors of one value each
would take more bytes to describe, and more work to read, than they hold.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from twinpin.step.block import Block
from twinpin.step.errors import Malformed

#: Parameter of a tensor: the names of its rows, which are columns of their own, as a JSON list.
COLUMNS = "twinpin_columns"
#: Name of the tensor that holds a block.
BLOCK = "columns"
#: Numbers begin at a multiple of this many bytes.
_ALIGNED = 8


def json_length(body: bytes) -> int | None:
    """Find the length of the JSON in a body of the raw form; None: it is of another form."""
    end = body.find(b"\0")
    return None if end < 0 else end


def join(head: bytes, blobs: list[bytes]) -> bytes:
    """Put the JSON and what follows it together; spaces behind the JSON align the numbers."""
    padding = -(len(head) + 1) % _ALIGNED
    return b"".join([head, b" " * padding, b"\0", *blobs])


@lru_cache(64)
def names_text(names: tuple[str, ...]) -> str:
    """Write the names of a block's columns."""
    return orjson.dumps(names).decode()


def read_block(text: object, matrix: np.ndarray) -> Block:
    """Make the block that a tensor with the parameter COLUMNS stands for; raises Malformed."""
    names = _names(text) if isinstance(text, str) else None
    if names is None or matrix.ndim != 2 or len(matrix) != len(names):  # noqa: PLR2004 -- columns and rows
        raise Malformed(f"the parameter {COLUMNS} must name each row of its tensor once, as a JSON list")
    return Block(names, matrix)


def joined(tensors: dict[str, np.ndarray], block: Block) -> dict[str, np.ndarray]:
    """Put a block among other tensors, where there are any; raises Malformed for a name that comes twice."""
    if not tensors:
        return block
    if twice := tensors.keys() & block.keys():
        raise Malformed(f"tensor {min(twice)!r} comes twice; every tensor needs a name of its own")
    return tensors | block


@lru_cache(64)
def _names(text: str) -> tuple[str, ...] | None:
    """Read names, each once; None where they are none."""
    try:
        names: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        return None
    return tuple(names) if len(set(names)) == len(names) else None
