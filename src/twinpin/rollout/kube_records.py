"""KubeRecords: the immutable ConfigMaps of each rollout, its Pin and the example that its probe sends."""

from collections.abc import Iterable, Mapping

from twinpin.pair.configmap_pins import KEY
from twinpin.pair.example import Example
from twinpin.pair.pin import Pin
from twinpin.pair.pins import parse_pin
from twinpin.rollout.cluster import Conflict
from twinpin.rollout.kube_api import KubeApi, Object
from twinpin.rollout.resource import GROUP
from twinpin.rollout.template import ROLLOUT_LABEL

EXAMPLE = "example.json"


class KubeRecords:
    """The records of the rollouts of the release *name*; *owner*: its PairedGraph, whose end is theirs."""

    def __init__(self, api: KubeApi, name: str) -> None:
        self._api = api
        self._name = name

    def names(self, rollout: str) -> tuple[str, str]:
        """Name the records of a rollout: its Pin's as the pods look for it, and its example's."""
        return f"{self._name}-pair-{rollout}", f"{self._name}-example-{rollout}"

    def pin(self, rollout: str, records: Iterable[Object]) -> Pin | None:
        """Find and read the Pin of a rollout among its *records*."""
        name, _ = self.names(rollout)
        return next((_pin(each) for each in records if each["metadata"]["name"] == name), None)

    async def example(self, rollout: str) -> Example | None:
        """Read the example of a rollout, where it has one."""
        _, name = self.names(rollout)
        found = await self._api.get("v1", "ConfigMap", name)
        return Example.parse(found["data"][EXAMPLE]) if found else None

    async def create_pin(self, pin: Pin, owner: Object) -> Pin:
        """Create the Pin's record, or read the one that is there; raises Conflict where it goes meanwhile."""
        name, _ = self.names(pin.rollout)
        data = {KEY: pin.model_dump_json(indent=2) + "\n"}
        made = await self._api.create(_record(name, pin.rollout, data, owner, {f"{GROUP}/pair": pin.id}))
        if made is None:
            made = await self._api.get("v1", "ConfigMap", name)
        if made is None:
            raise Conflict(pin.rollout)
        return _pin(made)

    async def create_example(self, rollout: str, example: str, owner: Object) -> None:
        """Create the example's record, unless there is one."""
        _, name = self.names(rollout)
        await self._api.create(_record(name, rollout, {EXAMPLE: example}, owner, {}))


def _pin(record: Object) -> Pin:
    """Read a Pin's record."""
    return parse_pin(record.get("data", {}).get(KEY, ""), record["metadata"]["name"])


def _record(name: str, rollout: str, data: Mapping[str, str], owner: Object, annotations: Mapping[str, str]) -> Object:
    """Write a record of a rollout."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/part-of": "twinpin", ROLLOUT_LABEL: rollout},
            "annotations": dict(annotations),
            "ownerReferences": [owner],
        },
        "immutable": True,
        "data": dict(data),
    }
