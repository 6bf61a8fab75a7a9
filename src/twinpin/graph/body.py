"""Body: what travels between steps, as bytes, as JSON, as a Message or as an answer over gRPC that nobody has read.

Each is made only when it is asked for.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import orjson

from twinpin.step import protocol
from twinpin.step.decode import decode_request, decode_response
from twinpin.step.encode import encode_plain, encode_request, encode_response, has_plain_form
from twinpin.step.errors import Malformed
from twinpin.step.step import Message, Parameter

#: As what a Message is written: a request has `inputs`, a response `outputs`, a plain one `data` where it can.
Form = Literal["request", "response", "plain"]

#: Distinguishes "not parsed yet" from a body that is JSON null.
_UNREAD: Any = object()


class Body:
    """One body in up to four forms, of which at least one is there.

    In process a Message goes from step to step and no JSON is ever made; over HTTP the bytes go on verbatim, and over
    gRPC an answer's parts, which are read only where a condition or an Ensemble needs to look into them.
    """

    __slots__ = ("_answer", "_bytes", "_form", "_json", "_message", "header_length", "model_name")

    def __init__(
        self,
        *,
        data: bytes | None = None,
        json: Any = _UNREAD,
        message: Message | None = None,
        answer: protocol.Proto = None,
        header_length: int | None = None,
        form: Form = "request",
        model_name: str = "",
    ) -> None:
        if data is None and json is _UNREAD and message is None and answer is None:
            raise ValueError("a body needs bytes, JSON, a message or an answer")
        self._bytes = data
        self._json = json
        self._message = message
        self._answer = answer
        self._form: Form = form
        #: Length of the JSON header before raw tensors (binary tensor extension); None: all of it is JSON.
        self.header_length = header_length
        #: The model that a response names.
        self.model_name = model_name

    @classmethod
    def of_bytes(cls, data: bytes, header_length: int | None = None, form: Form = "request") -> "Body":
        """Take what came from a network, unread."""
        return cls(data=data, header_length=header_length, form=form)

    @classmethod
    def of_json(cls, value: Any) -> "Body":
        """Take a parsed document: dicts, lists, str, numbers, bool, None."""
        return cls(json=value)

    @classmethod
    def of_message(cls, message: Message, form: Form = "request", model_name: str = "") -> "Body":
        """Take tensors; here *form* and *model_name* matter only when bytes or JSON are asked for."""
        return cls(message=message, form=form, model_name=model_name)

    @classmethod
    def of_answer(cls, answer: protocol.Proto, form: Form = "response") -> "Body":
        """Take a `protocol.SealedResponse`, unread; *form* as in `of_message`."""
        return cls(answer=answer, form=form, model_name=answer.model_name)

    def with_parameters(self, parameters: Mapping[str, Parameter]) -> "Body":
        """Return a body that has these parameters too; one that came from a network stays as it is."""
        if not parameters or (not self._has_message and self._json is _UNREAD):
            return self
        json, message = self._json, self.message() if self._has_message else None
        if isinstance(json, dict):
            json = {**json, "parameters": {**json.get("parameters", {}), **parameters}}
        if message is not None:
            message = replace(message, parameters={**message.parameters, **parameters})
        return Body(json=json, message=message, form=self._form, model_name=self.model_name)

    def bytes(self) -> bytes:
        """Return the body as it goes over HTTP, made once."""
        if self._bytes is None:
            message = self.message() if self._has_message else None
            self._bytes = _encode(message, self._json, self._form, self.model_name)
        return self._bytes

    def json(self) -> Any:
        """Return the parsed document, without raw tensors behind it; raises Malformed where it is not JSON in UTF-8."""
        if self._json is _UNREAD:
            try:
                self._json = orjson.loads(self.bytes()[: self.header_length])
            except orjson.JSONDecodeError as error:
                raise Malformed(f"the body is not valid JSON: {error}") from error
        return self._json

    def require_json(self) -> None:
        """Raise Malformed where the body is not JSON; a Message always has a JSON form, which is not made for this."""
        if not self._has_message or self._bytes is not None:
            self.json()

    def message(self) -> Message:
        """Return the tensors; raises Malformed where the body is none of the requests or responses of the protocol."""
        if self._message is None and self._answer is not None:
            self._message = protocol.response_message(self._answer)
        if self._message is None:
            decode = decode_response if self._form == "response" else decode_request
            self._message = decode(self.bytes(), self.header_length)
        return self._message

    def proto(self, model_name: str, model_version: str) -> protocol.Proto:
        """Write the request to a step over gRPC; what another step answered goes on as it came."""
        if self._answer is not None:
            return protocol.forwarded(self._answer, model_name, model_version)
        return protocol.request_proto(self.message(), model_name, model_version, together=True)

    @property
    def _has_message(self) -> bool:
        """Whether the body was made of tensors, be they read or not."""
        return self._message is not None or self._answer is not None

    def has_key(self, name: str) -> bool:
        """Tell whether the body is a JSON object with this key at its top, without making JSON from a Message."""
        if self._json is _UNREAD and self._has_message and self._bytes is None:
            return name in self._top()
        document = self.json()
        return isinstance(document, dict) and name in document

    def _top(self) -> set[str]:
        """Name the keys that a Message has at the top of its JSON form."""
        message = self.message()
        if self._form == "response":
            keys = {"outputs", "model_name"}
        else:
            keys = {"data"} if self._form == "plain" and has_plain_form(message) else {"inputs"}
        if message.requested and self._form != "response":
            keys.add("outputs")
        if message.version and self._form == "response":
            keys.add("model_version")
        keys |= {"parameters"} if message.parameters else set()
        return keys | ({"id"} if message.id else set())


def _encode(message: Message | None, json: Any, form: Form, model_name: str) -> bytes:
    """Write what a body was made from; where there are both, JSON is what the client sent."""
    if message is None or json is not _UNREAD:
        return orjson.dumps(json)
    if form == "response":
        return encode_response(message, model_name)
    if form == "plain" and has_plain_form(message):
        return encode_plain(message)
    return encode_request(message)
