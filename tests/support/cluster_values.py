"""Every chart value that the tests set, in one place."""

import copy

import cluster_images
from cluster_pods import resources

#: What the tests' own machine can bear: parts ask for what they take at rest, so that six releases fit on one node.
_SMALL = {
    "features": resources("15m", "288Mi", "768Mi"),
    "preprocess": resources("15m", "224Mi", "768Mi"),
    "predict": resources("15m", "160Mi", "768Mi"),
    "gateway": resources("10m", "96Mi", "256Mi"),
    "graph": resources("10m", "48Mi", "128Mi"),
    "serve": resources("20m", "448Mi", "1536Mi"),
}
#: Limits of CPU, where KServe would otherwise write its own of one core.
_CAPPED = ("features", "preprocess", "predict", "serve")
_ONE = {"min": 1, "max": 1}


def one_of_each(world, names):
    """One pod of every part, none scaled by load, on the cluster's MLflow and Redis."""
    values = {
        "image": {"registry": cluster_images.REGISTRY, "tag": cluster_images.TAG},
        "registry": {"uri": world.registry_uri},
        "pair": {"preprocessor": names.preprocessor, "model": names.model, "alias": names.alias},
        "controller": {"enabled": False},
        "autoscaling": {"enabled": False},
        "resolve": {"pairSize": "256Mi", "resources": resources("20m", "160Mi", "384Mi")},
        "features": world.features_values(),
        "test": {"entities": [1, 2]},
        **{part: {} for part in ("preprocess", "predict", "gateway", "graph", "serve")},
    }
    for part, asked in _SMALL.items():
        own = copy.deepcopy(asked)
        if part in _CAPPED:
            own["limits"]["cpu"] = "2"
        values[part] |= {"replicas": _ONE, "resources": own}
    return values


def merged(values, *changes):
    """Lay changes over values, key by key."""
    whole = copy.deepcopy(values)
    for change in changes:
        for name, value in change.items():
            both = isinstance(value, dict) and isinstance(whole.get(name), dict)
            whole[name] = merged(whole[name], value) if both else copy.deepcopy(value)
    return whole


def replicas(number, *parts):
    """Run this many pods of each part."""
    return {part: {"replicas": {"min": number, "max": number}} for part in parts}


def scaled_by_cpu(part, most):
    """Let one part scale by its CPU between one pod and *most*: it asks for more than it needs to be idle."""
    own = {"replicas": {"min": 1, "max": most}, "resources": {"requests": {"cpu": "60m"}}}
    return {"autoscaling": {"enabled": True}, part: own}


def cached(claim):
    """Keep artifacts in a room."""
    return {"resolve": {"cache": {"volume": {"persistentVolumeClaim": {"claimName": claim}}}}}


def impatient(seconds):
    """Let the init container give up, and be started again, within a test's time."""
    return {"resolve": {"deadline": seconds}}


#: The gateway runs the graph itself, and KServe's router is not there: all pods are ours.
DIRECT = {"gateway": {"mode": "direct"}, "graph": {"enabled": False}}
#: Gateway and steps in one process.
COLLAPSED = {"topology": "collapsed"}


def without_features(values):
    """No feature store: columns alone are served."""
    return {name: value for name, value in values.items() if name not in {"features", "test"}}
