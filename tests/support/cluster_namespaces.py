"""Namespaces of a test run, each held to a Pod Security Standard, and how they stood when something failed in them."""

import contextlib
import uuid

from cluster_api import Namespace
from cluster_report import describe
from cluster_tools import documents, run

#: Namespaces that were made and are still there.
_alive = []
#: What was told of those that were given up with an error, by name.
_given_up = {}


@contextlib.contextmanager
def namespace(api, word, *, standard="restricted"):
    """Make a namespace that holds pods to a standard, and delete it with all that it holds."""
    made = Namespace(api, f"twinpin-{word}-{uuid.uuid4().hex[:5]}")
    metadata = {"name": made.name, "labels": {"pod-security.kubernetes.io/enforce": standard}}
    run(
        "kubectl", "create", "-f", "-", stdin=documents({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    )
    _alive.append(made)
    try:
        yield made
    except BaseException:
        _given_up[made.name] = describe(made)
        raise
    finally:
        _alive.remove(made)
        run("kubectl", "delete", "namespace", made.name, "--wait=false")


def told():
    """Describe every namespace that is there, and those that were just given up."""
    found = {made.name: describe(made) for made in _alive} | _given_up
    _given_up.clear()
    return [(f"namespace {name}", text) for name, text in found.items()]
