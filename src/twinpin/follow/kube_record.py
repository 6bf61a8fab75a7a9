"""KubeRecord: the record in a PairedGraph's status, where all pods of a release find it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from twinpin.follow.record import Seen
from twinpin.pair.api_faults import Object
from twinpin.pair.api_server import Objects
from twinpin.pair.errors import NoOwner, Refused
from twinpin.pair.events import shortened
from twinpin.rollout.resource import GROUP, KIND, PLURAL, VERSION, Resource, Status

RESOURCE = f"{GROUP}/{VERSION}/{PLURAL}"
RETRY = f"{GROUP}/retry"


@dataclass(slots=True)
class KubeRecord:
    """The record of the release *name*."""

    objects: Objects
    name: str
    _uid: str = ""

    def read(self) -> Seen:
        """Read the PairedGraph."""
        found = self.objects.get(RESOURCE, self.name)
        if found is None:
            raise NoOwner(
                f"There is no {KIND} {self.name} in namespace {self.objects.namespace}: the release makes it, so check "
                "the name and the namespace."
            )
        self._uid = found["metadata"]["uid"]
        return _seen(self._parsed(found))

    def write(self, status: Status, seen: Seen) -> bool:
        """Write the status, of the version that was read alone."""
        document = status.model_dump(mode="json", by_alias=True)
        change = {"metadata": {"resourceVersion": seen.version}, "status": document}
        stored = self.objects.patch_status(RESOURCE, self.name, change)
        if stored is not None and stored.get("status", {}).get("pin", "") != status.pin:
            raise Refused(
                f"The cluster's definition of {KIND} is older than this release and dropped the Pin: Helm does not "
                "upgrade definitions.",
                mend="kubectl apply --server-side --force-conflicts -f helm/twinpin/crds",
            )
        return stored is not None

    def tell(self, kind: str, reason: str, message: str) -> None:
        """Write an Event on the PairedGraph."""
        self.objects.create("events", self._event(kind, reason, message))

    def _parsed(self, found: Object) -> Resource:
        """Read the object's fields."""
        metadata = found["metadata"]
        fields: dict[str, Any] = {
            "version": metadata["resourceVersion"],
            "uid": metadata["uid"],
            "spec": found.get("spec", {}),
            "status": found.get("status", {}),
            "retry": metadata.get("annotations", {}).get(RETRY, ""),
        }
        try:
            return Resource(**fields)
        except ValidationError as error:
            raise Refused(f"The record of {KIND} {self.name} cannot be read, so somebody edited it: {error}") from error

    def _event(self, kind: str, reason: str, message: str) -> Object:
        """Write the Event."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": self.name}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{self.name}."},
            "involvedObject": {**place, "namespace": self.objects.namespace, "uid": self._uid},
            "type": kind,
            "reason": reason,
            "message": shortened(message),
            "source": {"component": "twinpin-serve"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _seen(resource: Resource) -> Seen:
    """Take what a follower needs."""
    spec = resource.spec
    return Seen(
        version=resource.version,
        status=resource.status,
        keep=spec.keep,
        interval=spec.poll_seconds,
        paused=spec.paused,
        retry=resource.retry,
    )
