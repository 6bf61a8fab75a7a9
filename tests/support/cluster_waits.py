"""Waiting for what a cluster does in its own time: conditions with deadlines."""

import time


class TooLate(Exception):
    """A condition did not come true before its deadline; says what was seen last."""


def until(what, probe, seconds=120.0, every=0.5):
    """Ask *probe* until it gives something true, and return that; it may give (False, what it saw)."""
    deadline = time.monotonic() + seconds
    while True:
        seen = probe()
        if isinstance(seen, tuple):
            met, told = seen
        else:
            met = told = seen
        if met:
            return told
        if time.monotonic() > deadline:
            raise TooLate(f"{what}: not within {seconds:.0f} s; last seen: {told!r}")
        time.sleep(every)


def rolled_out(deployment):
    """Whether every replica of a Deployment is there, of its newest template, and ready; and where it stands."""
    if deployment is None:
        return False, "no such Deployment"
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status", {})
    counts = {name: status.get(f"{name}Replicas", 0) for name in ("updated", "ready", "available")}
    counts["all"] = status.get("replicas", 0)
    current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return current and set(counts.values()) == {wanted}, f"{deployment['metadata']['name']}: {counts} of {wanted}"


def ready(pod):
    """Whether a pod is ready and is not being deleted."""
    conditions = pod["status"].get("conditions", [])
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]
