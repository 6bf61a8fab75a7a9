"""Bodies over REST: V2 JSON, its binary extension and the plain bodies, to a Message and back."""

from collections.abc import Callable
from dataclasses import dataclass

from twinpin.step.step import Message


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request, and for each output name whether the client wants it as binary data."""

    message: Message
    binary: Callable[[str], bool]


def read_request(body: bytes, header_length: int | None = None) -> Request:
    """Decode a request with the client's wishes for binary outputs."""
    raise NotImplementedError


def decode_request(body: bytes, header_length: int | None = None) -> Message:
    """Decode any body that a step or the graph accepts; *header_length*: length of the JSON before binary data."""
    raise NotImplementedError


def encode_request(message: Message) -> bytes:
    """Write the V2 JSON request (`inputs`), with the outputs asked for."""
    raise NotImplementedError


def encode_response(message: Message, model_name: str) -> bytes:
    """Write the V2 JSON response (`outputs`)."""
    raise NotImplementedError


def encode_response_binary(
    message: Message, model_name: str, binary: Callable[[str], bool] = lambda _name: True
) -> tuple[bytes, int]:
    """Write a response whose outputs chosen by *binary* follow the JSON as bytes; returns body and JSON length."""
    raise NotImplementedError


def decode_response(body: bytes, header_length: int | None = None) -> Message:
    """Decode a step's answer, `outputs` or (asked with ?answer=request) `inputs`."""
    raise NotImplementedError


def select(message: Message, requested: tuple[str, ...]) -> Message:
    """Keep the outputs asked for, in the order asked; none: all. Raises Malformed for a name that is no output."""
    raise NotImplementedError
