"""Lease: which of several controllers works, by a coordination.k8s.io Lease.

It spares work and quarrels; nothing is unsafe when two believe that they hold it, since every write guards itself.
"""

import datetime as dt
import time

from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import ClusterFault, KubeApi, Object
from twinpin.rollout.kube_front import reference
from twinpin.rollout.resource import GROUP, VERSION
from twinpin.rollout.resource import KIND as OWNER

API, KIND = "coordination.k8s.io/v1", "Lease"

#: Seconds after which a holder that says nothing more is taken for dead, and between two of its words.
SECONDS = 15
RENEW = 5.0
#: Times that it is tried to give the lease back: one renewal can come between, two cannot.
RELEASES = 3


class KubeLease:
    """The Lease of a release, as one controller sees it; it goes with the release's PairedGraph."""

    def __init__(self, api: KubeApi, release: str, holder: str) -> None:
        self._api = api
        self._release = release
        self._name = f"{release}-rollout"
        self._holder = holder
        #: The holder's last word, and when it was first heard by our own clock: clocks of two machines differ.
        self._heard = ("", 0.0)

    async def hold(self) -> bool:
        """Take or renew it; False while another has it."""
        found = await self._api.get(API, KIND, self._name)
        try:
            if found is None:
                return await self._api.create(await self._document()) is not None
            if self._free(found):
                changes = found["spec"].get("leaseTransitions", 0) + (
                    found["spec"].get("holderIdentity") != self._holder
                )
                await self._api.replace({**found, "spec": self._spec(changes)})
                return True
        except Conflict:
            return False
        return False

    async def release(self) -> None:
        """Give it back, so that the next one need not wait; a renewal that was under way may come between."""
        for _ in range(RELEASES):
            found = await self._api.get(API, KIND, self._name)
            if not found or found["spec"].get("holderIdentity") != self._holder:
                return
            try:
                await self._api.replace({**found, "spec": {**found["spec"], "holderIdentity": ""}})
            except Conflict:
                continue
            return

    async def holder(self) -> str:
        """Say who has it and is alive as far as it says; empty: nobody."""
        found = await self._api.get(API, KIND, self._name)
        if found is None or not found["spec"].get("renewTime"):
            return ""
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found["spec"]["renewTime"])
        return str(found["spec"].get("holderIdentity") or "") if age.total_seconds() < SECONDS else ""

    async def _document(self) -> Object:
        """Make the Lease, owned by the PairedGraph."""
        owner = await self._api.get(f"{GROUP}/{VERSION}", OWNER, self._release)
        if owner is None:
            raise ClusterFault(
                f"There is no {OWNER} {self._release} in namespace {self._api.namespace}: install the chart with "
                "controller.enabled=true."
            )
        metadata = {"name": self._name, "ownerReferences": [reference(self._release, owner["metadata"]["uid"])]}
        return {"apiVersion": API, "kind": KIND, "metadata": metadata, "spec": self._spec(0)}

    def _free(self, found: Object) -> bool:
        """Whether it is ours, nobody's, or its holder has been silent for long enough."""
        spec = found["spec"]
        if spec.get("holderIdentity", "") in {"", self._holder}:
            return True
        if self._heard[0] != spec.get("renewTime", ""):
            self._heard = (spec.get("renewTime", ""), time.monotonic())
        return time.monotonic() - self._heard[1] > float(spec.get("leaseDurationSeconds", SECONDS))

    def _spec(self, changes: int) -> Object:
        """Write our own word."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": SECONDS,
            "renewTime": now,
            "acquireTime": now,
            "leaseTransitions": changes,
        }
