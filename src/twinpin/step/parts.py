"""Parts of a gRPC message: a tensor's description and a parameter, as bytes and as what they say.

Requests of one client are alike: the parts of the next one are most often, byte for byte, those of the one before. What
was read or written is remembered, within bounds, and is neither parsed nor made again.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from twinpin.step.datatypes import dtype_of, shape_of
from twinpin.step.descriptors import message_class
from twinpin.step.errors import Malformed
from twinpin.step.raw import COLUMNS
from twinpin.step.step import Parameter

# Inputs and outputs are described in the same bytes.
_Tensor = message_class("inference.ModelInferRequest.InferInputTensor")
_Parameter = message_class("inference.SealedParameter")

#: Parts that are remembered of each kind in each direction, and the bytes or characters of the longest: 1 MB in all.
_REMEMBERED = 256
_LONGEST = 256
_INT64_MAX = 2**63 - 1


class Description(NamedTuple):
    """What a tensor is, without its values."""

    name: str
    datatype: str
    dtype: np.dtype
    shape: tuple[int, ...]
    #: Bytes of its raw contents where these are numbers as NumPy holds them; 0: of none, or of another kind.
    size: int
    #: The names of its rows where it is a `Block`, as JSON; None: it is an ordinary tensor.
    columns: str | None
    #: Its typed contents; None: it has none.
    contents: Any


def read_tensor(part: bytes) -> Description:
    """Read a tensor's description; raises Malformed."""
    return _described(part) if len(part) <= _LONGEST else _described.__wrapped__(part)


def read_parameter(part: bytes) -> tuple[str, Parameter]:
    """Read a parameter: its name and its value, of any of the five kinds. Raises Malformed."""
    return _named(part) if len(part) <= _LONGEST else _named.__wrapped__(part)


def write_tensor(name: str, datatype: str, shape: tuple[int, ...], columns: str | None = None) -> bytes:
    """Write a tensor's description; *columns* as in `Description`."""
    short = columns is None and len(name) <= _LONGEST
    write: Callable[..., bytes] = _description if short else _description.__wrapped__
    return write(name, datatype, shape, columns)


def write_parameter(key: str, value: Parameter) -> bytes:
    """Write a parameter in the field of its type."""
    # Floats are not remembered: 0.0 and -0.0 are equal.
    short = len(key) <= _LONGEST and (len(value) <= _LONGEST if isinstance(value, str) else isinstance(value, int))
    write: Callable[[str, Parameter], bytes] = _parameter if short else _parameter.__wrapped__
    return write(key, value)


@lru_cache(_REMEMBERED)
def _described(part: bytes) -> Description:
    """Read a description that is not remembered."""
    tensor = _parsed(_Tensor, part)
    name = tensor.name
    shape = shape_of(name, tuple(tensor.shape))
    dtype = dtype_of(name, tensor.datatype)
    return Description(
        name=name,
        datatype=tensor.datatype,
        dtype=dtype,
        shape=shape,
        size=math.prod(shape) * dtype.itemsize if dtype.kind in "iuf" else 0,
        columns=tensor.parameters[COLUMNS].string_param if COLUMNS in tensor.parameters else None,
        contents=tensor.contents if tensor.HasField("contents") else None,
    )


@lru_cache(_REMEMBERED)
def _named(part: bytes) -> tuple[str, Parameter]:
    """Read a parameter that is not remembered."""
    pair = _parsed(_Parameter, part)
    kind = pair.value.WhichOneof("parameter_choice")
    if kind is None:
        raise Malformed(f"parameter {pair.key!r} has no value of a known kind")
    value: Parameter = getattr(pair.value, kind)
    if isinstance(value, float) and not math.isfinite(value):
        raise Malformed(f"parameter {pair.key!r} is {value}, which JSON cannot carry on; leave it out")
    return pair.key, value


@lru_cache(_REMEMBERED)
def _description(name: str, datatype: str, shape: tuple[int, ...], columns: str | None) -> bytes:
    """Write a description that is not remembered."""
    tensor = _Tensor(name=name, datatype=datatype, shape=shape)
    if columns is not None:
        tensor.parameters[COLUMNS].string_param = columns
    return tensor.SerializeToString()  # type: ignore[no-any-return]


@lru_cache(_REMEMBERED, typed=True)  # True and 1 are equal, and of two kinds
def _parameter(key: str, value: Parameter) -> bytes:
    """Write a parameter that is not remembered."""
    pair = _Parameter(key=key)
    if isinstance(value, bool):
        pair.value.bool_param = value
    elif isinstance(value, int):
        setattr(pair.value, "int64_param" if value <= _INT64_MAX else "uint64_param", value)
    elif isinstance(value, float):
        pair.value.double_param = value
    else:
        pair.value.string_param = value
    return pair.SerializeToString()  # type: ignore[no-any-return]


def _parsed(kind: Any, part: bytes) -> Any:
    """Parse one part; a message is read as far as it is needed, so that it may be broken here alone."""
    try:
        return kind.FromString(part)
    except DecodeError as error:
        raise Malformed("a part of the message, a tensor or a parameter, is not one of the protocol's") from error
