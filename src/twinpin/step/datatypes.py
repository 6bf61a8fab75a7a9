"""V2 datatypes: their numpy counterparts, and the raw little-endian bytes in which binary tensors and gRPC travel."""

import math
import reprlib
import struct
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from twinpin.step.errors import Malformed

#: V2 datatype -> numpy dtype, little-endian as the protocol's binary forms are.
NUMPY = MappingProxyType(
    {
        "BOOL": np.dtype("?"),
        "INT8": np.dtype("<i1"),
        "INT16": np.dtype("<i2"),
        "INT32": np.dtype("<i4"),
        "INT64": np.dtype("<i8"),
        "UINT8": np.dtype("<u1"),
        "UINT16": np.dtype("<u2"),
        "UINT32": np.dtype("<u4"),
        "UINT64": np.dtype("<u8"),
        "FP16": np.dtype("<f2"),
        "FP32": np.dtype("<f4"),
        "FP64": np.dtype("<f8"),
        "BYTES": np.dtype(object),
    }
)
_NAMES = {dtype: name for name, dtype in NUMPY.items()}
# numpy refuses more, and no tensor of a forecast has as many.
MAX_DIMENSIONS = 32
_LENGTH = struct.Struct("<I")


def datatype_of(array: np.ndarray) -> str:
    """Name the V2 datatype of *array*; text is BYTES. TypeError: the protocol has no word for its dtype."""
    name = _NAMES.get(array.dtype)
    if name is not None:
        return name
    if array.dtype.kind in "US":
        return "BYTES"
    if array.dtype.kind in "iufb":
        return _NAMES[array.dtype.newbyteorder("<")]
    raise TypeError(f"the protocol has no datatype for numpy's {array.dtype}")


def dtype_of(tensor: str, datatype: object) -> np.dtype:
    """Find numpy's dtype for the *datatype* that the sender gave *tensor*."""
    dtype = NUMPY.get(datatype) if isinstance(datatype, str) else None
    if dtype is not None:
        return dtype
    if datatype == "BF16":
        raise Malformed(f"tensor {tensor!r} is BF16, which is not supported here; send it as FP32")
    raise Malformed(f"tensor {tensor!r} has datatype {reprlib.repr(datatype)}; the protocol knows {', '.join(NUMPY)}")


def shape_of(tensor: str, shape: object) -> tuple[int, ...]:
    """Check the *shape* that the sender gave *tensor*: a list of sizes, none negative."""
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) > MAX_DIMENSIONS:
        raise Malformed(f"tensor {tensor!r} needs a shape: a list of at most {MAX_DIMENSIONS} sizes")
    for size in shape:
        if type(size) is not int or size < 0:
            raise Malformed(
                f"tensor {tensor!r} has {reprlib.repr(size)} in its shape; a size is a whole number, 0 or more"
            )
    return tuple(shape)


def reshaped(tensor: str, flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Give *flat* its *shape*, or say by how much the two differ."""
    wanted = math.prod(shape)
    if wanted != flat.size:
        raise Malformed(f"tensor {tensor!r} has shape {list(shape)}, so {wanted} values, but {flat.size} came")
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError) as error:  # no value at all, but a size beyond what memory can address
        raise Malformed(f"tensor {tensor!r} has a size in its shape {list(shape)} that is too large") from error


def from_raw(tensor: str, datatype: object, shape: tuple[int, ...], raw: bytes | memoryview) -> np.ndarray:
    """Read an array from its *raw* bytes; the array shares their memory and may be read-only."""
    dtype = dtype_of(tensor, datatype)
    if datatype == "BYTES":
        return reshaped(tensor, _texts(tensor, bytes(raw), math.prod(shape)), shape)
    wanted = math.prod(shape) * dtype.itemsize
    if len(raw) != wanted:
        raise Malformed(f"tensor {tensor!r} of {datatype} {list(shape)} takes {wanted} bytes, but {len(raw)} came")
    if datatype == "BOOL":
        return reshaped(tensor, np.frombuffer(raw, dtype=np.uint8) != 0, shape)
    return reshaped(tensor, np.frombuffer(raw, dtype=dtype), shape)


def to_raw(array: np.ndarray) -> bytes:
    """Write *array* row by row: numbers little-endian, each text as its length in four bytes and then UTF-8."""
    if datatype_of(array) != "BYTES":
        return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    parts = []
    for value in array.ravel().tolist():
        encoded = value if isinstance(value, bytes) else str(value).encode()
        parts.append(_LENGTH.pack(len(encoded)))
        parts.append(encoded)
    return b"".join(parts)


def text(tensor: str, value: bytes) -> str:
    """Decode one element of a BYTES tensor, which this product reads as text."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"tensor {tensor!r} holds bytes that are not UTF-8 text") from error


def _texts(tensor: str, raw: bytes, count: int) -> np.ndarray:
    """Read length-prefixed texts, no more than *raw* has room for."""
    values: list[str] = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        if start > len(raw) or start + (length := _LENGTH.unpack_from(raw, at)[0]) > len(raw):
            raise Malformed(
                f"tensor {tensor!r}: the bytes end inside an element; each is its length (4 bytes) and itself"
            )
        at = start + length
        values.append(text(tensor, raw[start:at]))
    if len(values) != count:
        raise Malformed(f"tensor {tensor!r} has room for {count} texts by its shape, but {len(values)} came")
    array = np.empty(count, dtype=object)
    array[:] = values
    return array
