"""Events: what a pod tells about its pair to whoever asks `kubectl describe pod`."""

import datetime as dt
import logging
import os
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from twinpin.pair.api_faults import Object
from twinpin.pair.api_server import ApiServer, Objects
from twinpin.pair.errors import NotYet, PairError
from twinpin.pair.pin import Pin

log = logging.getLogger(__name__)

#: Bytes of a message that Kubernetes takes.
ROOM = 1024


class Events(Protocol):
    """Somebody who is told how the resolution goes; none of it can fail."""

    def trouble(self, error: PairError) -> None:
        """Hear of a fault, each time that it is met."""
        ...

    def pinned(self, pin: Pin) -> None:
        """Hear of the pair that is served."""
        ...


class Unheard:
    """Nobody is told."""

    def trouble(self, error: PairError) -> None:
        """Do nothing."""

    def pinned(self, pin: Pin) -> None:
        """Do nothing."""


class Pod(NamedTuple):
    """The pod that this process runs in, as the downward API names it."""

    name: str
    namespace: str
    uid: str


@dataclass(slots=True)
class PodEvents:
    """Events on our own pod: one when the message changes, not one for each try."""

    objects: Objects
    pod: Pod
    _told: str = field(default="", init=False)
    _complaint: str = field(default="", init=False)

    def trouble(self, error: PairError) -> None:
        """Write a Warning, whose reason is the name of the error."""
        self._tell("Warning", type(error).__name__, shortened(error.message, error.mend))

    def pinned(self, pin: Pin) -> None:
        """Write which pair the pod serves."""
        halves = " and ".join(f"{half.name} {half.version}" for half in (pin.preprocessor, pin.model))
        self._tell("Normal", "Pinned", shortened(f"Rollout {pin.rollout} serves pair {pin.id}: {halves}."))

    def _tell(self, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Write an event; a cluster that does not take it hears nothing, and the pod starts all the same."""
        if message == self._told:
            return
        try:
            self.objects.create("events", self._document(kind, reason, message))
        except NotYet as error:  # the start meets the same, and says it
            log.debug("Cannot write an event: %s", error.message)
            return
        except PairError as error:
            self._complain(error)
        self._told = message

    def _complain(self, error: PairError) -> None:
        """Log once why nobody can be told: the log's tail is for what the pod waits for."""
        if error.message != self._complaint:
            log.warning("Cannot write an event: %s", error.message)
        self._complaint = error.message

    def _document(self, kind: str, reason: str, message: str) -> Object:
        """Write the Event."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{self.pod.name}.", "namespace": self.pod.namespace},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", **self.pod._asdict()},
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": "twinpin-resolve"},
            "reportingComponent": "twinpin.dev/resolve",
            "reportingInstance": self.pod.name,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def open_events() -> Events:
    """Tell our own pod, where POD_NAME, POD_NAMESPACE and POD_UID say which that is; else nobody."""
    named = [os.environ.get(f"POD_{word}") for word in ("NAME", "NAMESPACE", "UID")]
    if not all(named):
        return Unheard()
    pod = Pod(*(str(each) for each in named))
    return PodEvents(ApiServer(pod.namespace), pod)


def shortened(sentence: str, mend: str | None = None) -> str:
    """Put the sentence and what mends it into the room that an event has; the sentence is cut first."""
    end = f" Mend: {mend}" if mend else ""
    left = ROOM - len(end.encode())
    if len(sentence.encode()) > left:
        sentence = sentence.encode()[: max(left - 3, 0)].decode(errors="ignore") + "…"
    return f"{sentence}{end}".encode()[:ROOM].decode(errors="ignore")
