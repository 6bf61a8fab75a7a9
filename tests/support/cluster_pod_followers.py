"""A release of one process per pod whose pods follow the alias themselves: where they stand, and what is on record."""

import time

from cluster_pairs import Names
from cluster_release import Release
from cluster_values import COLLAPSED, cached, merged, one_of_each, replicas
from cluster_waits import until

NAMES = Names("pod_scaler", "pod_forecaster", "live")
FOLLOWS = {"controller": {"enabled": True, "pollSeconds": 2}}
#: The claim of the cache that outlives the pods.
CACHE = "cache"

_PAIR = (
    "import json, urllib.request; "
    "print(json.load(urllib.request.urlopen('http://127.0.0.1:8080/health'))['pair']['id'])"
)


def values(world):
    """What the release is told: two pods, and a cache."""
    return merged(one_of_each(world, NAMES), COLLAPSED, FOLLOWS, cached(CACHE), replicas(2, "serve"))


class Pods(Release):
    """A release whose pods follow the alias themselves."""

    @property
    def record(self):
        """Read the status of its PairedGraph."""
        return self.namespace.get("PairedGraph", self.name)["status"]

    def pairs(self):
        """Ask every pod which pair it serves."""
        return self.ask(_PAIR)

    def ask(self, code):
        """Run Python in every pod; returns what each printed."""
        names = [each["metadata"]["name"] for each in self.pods("serve")]
        return [self.namespace.python(name, code).stdout.strip() for name in names]

    def await_live(self, pair, seconds=120.0):
        """Wait until every pod serves a pair; returns how long that took."""
        begun = time.monotonic()

        def all_serve():
            found = self.pairs()
            return all(each.startswith(pair.label) for each in found), found

        until(f"{pair.label} in every pod", all_serve, seconds)
        self.pair = pair
        return time.monotonic() - begun

    def await_record(self, what, met, seconds=120.0):
        """Wait until something is true of the record; returns what was."""

        def look():
            found = met(self.record)
            return bool(found), found

        return until(f"{self.name}: {what}", look, seconds)
