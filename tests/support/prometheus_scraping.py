"""The configuration that the Prometheus operator makes of a PodMonitor, so that a test's Prometheus sees its labels.

It does what the operator's `generatePodMonitorConfig` does; what our PodMonitor does not use is refused.
"""

import re

_PARTS = {"jobLabel", "podTargetLabels", "selector", "podMetricsEndpoints"}
_OF_ENDPOINTS = {"port", "path", "interval", "relabelings"}


def scrape_configs(monitor):
    """Write one scrape configuration for each endpoint of a PodMonitor, which finds pods of its own namespace."""
    spec = monitor["spec"]
    assert spec.keys() <= _PARTS, spec.keys() - _PARTS
    return [_config(monitor["metadata"], spec, endpoint, number) for number, endpoint in enumerate(_endpoints(spec))]


def _endpoints(spec):
    """List the endpoints."""
    for endpoint in spec["podMetricsEndpoints"]:
        assert endpoint.keys() <= _OF_ENDPOINTS, endpoint.keys() - _OF_ENDPOINTS
        yield endpoint


def _config(metadata, spec, endpoint, number):
    """Write one."""
    place = f"{metadata['namespace']}/{metadata['name']}"
    return {
        "job_name": f"podMonitor/{place}/{number}",
        "honor_labels": False,
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [metadata["namespace"]]}}],
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["interval"],
        "metrics_path": endpoint["path"],
        "relabel_configs": [
            {"source_labels": ["__meta_kubernetes_pod_phase"], "action": "drop", "regex": "(Failed|Succeeded)"},
            *_selected(spec["selector"]),
            {**_of("container_port_name"), "action": "keep", "regex": endpoint["port"]},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {**_of("container_name"), "target_label": "container"},
            {**_of("name"), "target_label": "pod"},
            *(_copied(label, _plain(label)) for label in spec["podTargetLabels"]),
            {"target_label": "job", "replacement": place},
            _copied(spec["jobLabel"], "job"),
            {"target_label": "endpoint", "replacement": endpoint["port"]},
            *map(_relabeling, endpoint["relabelings"]),
        ],
    }


def _selected(selector):
    """Keep the pods that a selector means."""
    for label, value in sorted(selector["matchLabels"].items()):
        yield _kept(label, value)
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", each
        yield _kept(each["key"], "|".join(each["values"]))


def _kept(label, values):
    """Keep pods whose label has one of some values."""
    plain = _plain(label)
    return {**_of(f"label_{plain}", f"labelpresent_{plain}"), "action": "keep", "regex": f"({values});true"}


def _copied(label, target):
    """Copy a label of the pod, where it has it."""
    return {**_of(f"label_{_plain(label)}"), "target_label": target, "regex": "(.+)", "replacement": "${1}"}


def _of(*what):
    """Name what Prometheus knows of a pod."""
    return {"source_labels": [f"__meta_kubernetes_pod_{each}" for each in what]}


def _plain(label):
    """Write a Kubernetes label as Prometheus can."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


def _relabeling(found):
    """Write a rule of the monitor's own as Prometheus spells it."""
    assert found.keys() <= {"action", "regex"}, found
    return found
