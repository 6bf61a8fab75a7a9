"""KubeEvents: what the controller did, where `kubectl describe pairedgraph` shows it.

Where two write a graph against each other, each round has the same to tell: it is told once a minute, and the metrics
count.
"""

import datetime as dt
import time
from collections.abc import Callable

from twinpin.rollout.kube_api import KubeApi
from twinpin.rollout.resource import GROUP, KIND, VERSION

#: Seconds in which the last sentence of a reason is not told again.
QUIET = 60.0
#: Bytes of a message that Kubernetes takes.
ROOM = 1024


class KubeEvents:
    """Events on one PairedGraph."""

    def __init__(self, api: KubeApi, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._name = name
        self._clock = clock
        #: The last sentence of each reason, and when it was told.
        self._told: dict[str, tuple[str, float]] = {}

    async def tell(self, uid: str, kind: str, reason: str, message: str) -> None:
        """Write an Event of the kind Normal or Warning, unless it was just told."""
        now = self._clock()
        last, at = self._told.get(reason, ("", 0.0))
        if message == last and now - at < QUIET:
            return
        await self._write(uid, kind, reason, message)
        self._told[reason] = (message, now)

    async def _write(self, uid: str, kind: str, reason: str, message: str) -> None:
        """Create it."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": self._name, "namespace": self._api.namespace}
        await self._api.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"generateName": f"{self._name}."},
                "involvedObject": {**place, "uid": uid},
                "type": kind,
                "reason": reason,
                "message": message.encode()[:ROOM].decode(errors="ignore"),
                "source": {"component": "twinpin-rollout"},
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            }
        )
