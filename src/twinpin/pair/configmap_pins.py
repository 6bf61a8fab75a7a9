"""Pins in ConfigMaps: one immutable ConfigMap for each rollout, which the API server creates once."""

import re
from dataclasses import dataclass

from twinpin.pair.api_faults import Object
from twinpin.pair.api_server import Objects
from twinpin.pair.errors import BadPin, NoOwner, PinLeaving, Refused
from twinpin.pair.pin import Pin
from twinpin.pair.pins import parse_pin, require_rollout

KEY = "pin.json"

#: What Kubernetes calls a DNS subdomain: the name of a ConfigMap, 253 characters at most.
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class ConfigMapPins:
    """The Pins of one release, beside the ConfigMap that owns them: when that one goes, Kubernetes collects them."""

    objects: Objects
    owner: str

    def read(self, rollout: str) -> Pin | None:
        """Read the Pin of a rollout; None when it has none yet, NoOwner when no release is installed."""
        name = self._name(rollout)
        uid = self._uid()
        found = self.objects.get("configmaps", name)
        return None if found is None else self._pin(found, rollout, uid)

    def create(self, pin: Pin) -> Pin:
        """Record *pin* unless its rollout has one, and return the one that holds."""
        name = self._name(pin.rollout)
        uid = self._uid()
        made = self.objects.create("configmaps", self._document(pin, name, uid))
        if made is not None:
            return self._pin(made, pin.rollout, uid)
        winner = self.read(pin.rollout)
        if winner is None:
            raise BadPin(f"The Pin of rollout {pin.rollout!r} was deleted while it was made: nothing may delete it.")
        return winner

    def _name(self, rollout: str) -> str:
        """Name the ConfigMap."""
        require_rollout(rollout)
        name = f"{self.owner}-{rollout}"
        if not NAME.fullmatch(name):
            raise Refused(
                f"A Pin cannot lie in a ConfigMap called {name!r}: let --pins-configmap and --rollout be of small "
                "letters, digits, dots and dashes, 252 in all."
            )
        return name

    def _uid(self) -> str:
        """Tell this installation from the ones before it."""
        owner = self.objects.get("configmaps", self.owner)
        if owner is None:
            raise NoOwner(
                f"The ConfigMap {self.owner} that is to own the Pins is not in namespace {self.objects.namespace}: "
                "the release makes it, so check the name and the namespace.",
                mend=f"kubectl -n {self.objects.namespace} create configmap {self.owner}",
            )
        return str(owner["metadata"]["uid"])

    def _document(self, pin: Pin, name: str, uid: str) -> Object:
        """Write the ConfigMap."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "labels": {"app.kubernetes.io/part-of": "twinpin", "twinpin.dev/rollout": pin.rollout},
                "annotations": {"twinpin.dev/pair": pin.id},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": self.owner, "uid": uid}],
            },
            "immutable": True,
            "data": {KEY: pin.model_dump_json(indent=2) + "\n"},
        }

    def _pin(self, found: Object, rollout: str, uid: str) -> Pin:
        """Take the Pin out of its ConfigMap, unless somebody else may have put it there."""
        metadata = found["metadata"]
        place = f"configmaps/{metadata['name']} in namespace {self.objects.namespace}"
        self._require_staying(metadata, place, uid)
        pin = parse_pin(found.get("data", {}).get(KEY, ""), place)
        if pin.rollout != rollout:
            raise BadPin(f"{place} is the Pin of rollout {pin.rollout!r}, not of {rollout!r}: start a new rollout.")
        if found.get("immutable") is not True:
            raise BadPin(
                f"{place} is not immutable, so two pods could read two pairs in it: Twinpin did not make it. See that "
                "it holds the right pair, then seal it.",
                mend=f"kubectl -n {self.objects.namespace} patch configmap {metadata['name']} --type=merge "
                """--patch='{"immutable":true}'""",
            )
        return pin

    def _require_staying(self, metadata: Object, place: str, uid: str) -> None:
        """Refuse for now what is left of a release that was uninstalled: pods that come later will not find it.

        One without an owner was put there by hand, as from a backup, and stays.
        """
        owners = [each["uid"] for each in metadata.get("ownerReferences", []) if each["name"] == self.owner]
        if metadata.get("deletionTimestamp") or (owners and uid not in owners):
            raise PinLeaving(
                f"{place} is of a release that was uninstalled, and Kubernetes is about to delete it.",
                mend=f"kubectl -n {self.objects.namespace} delete configmap {metadata['name']}",
            )
