"""The bytes behind the JSON in the protocol's binary tensor data extension."""

from reprlib import repr as brief

from twinpin.step.errors import Malformed

#: Parameter of a tensor: how many of the bytes are its own.
BINARY_SIZE = "binary_data_size"


class Binary:
    """The bytes behind the JSON, which the tensors take in their order."""

    def __init__(self, rest: memoryview) -> None:
        self._rest = rest

    def take(self, tensor: str, size: object) -> memoryview:
        """Take the bytes of one tensor."""
        if type(size) is not int or not 0 <= size <= len(self._rest):
            raise Malformed(
                f"tensor {tensor!r} has {BINARY_SIZE} {brief(size)}, but {len(self._rest)} bytes are left for it;"
                " send the length of the JSON as Inference-Header-Content-Length"
            )
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def finish(self) -> None:
        """Refuse bytes that belong to no tensor."""
        if len(self._rest):
            raise Malformed(f"{len(self._rest)} bytes are left that belong to no tensor; each needs {BINARY_SIZE}")
