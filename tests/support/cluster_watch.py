"""A Prometheus in the cluster that looks after one release with the chart's own rules, and what its dashboard shows.

Nobody waits ten minutes for an alert here: each duration in the rules is a sixtieth of the chart's, so that a minute
passes in a second; all else of them is as users get it.
"""

import contextlib
import dataclasses
import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request

import cluster_images
import yaml
from cluster_pods import config_map, deployment, pod_spec, resources, service
from cluster_ports import forwarded
from cluster_release import CHART
from cluster_tools import run
from cluster_values import merged
from cluster_waits import until
from prometheus_scraping import scrape_configs

PORT = 9090
NAME = "prometheus"
#: How much faster the rules' time runs.
HASTE = 60
#: The shortest time between two scrapes over which a rate can be told, and what Grafana would take for its own.
INTERVAL, RATE_INTERVAL = "1s", "4s"
#: What is counted or timed by the controller's rounds, which are no faster here, is by values of the chart.
#: A day before, which what drifts is compared with by default, would be 24 minutes of a test.
THRESHOLDS = {"aliasLagSeconds": 900 / HASTE, "lookSeconds": 20, "faults": 3, "putBacks": 0, "driftAgainst": "1h"}
#: The column that the dashboard's rows of one column are opened for.
COLUMN = "level_lag_0"
MONITORING = {
    "podMonitor": {"enabled": True, "interval": INTERVAL},
    "rules": {"enabled": True, "thresholds": THRESHOLDS},
}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DASHBOARD = CHART / "files" / "dashboards" / "twinpin.json"


@dataclasses.dataclass(frozen=True)
class Series:
    """What one series was: its labels, and its values by their times in seconds; none where it was silent."""

    labels: dict[str, str]
    values: list[tuple[float, float]]


class Watch:
    """Asks the Prometheus at *url* about one release."""

    def __init__(self, url, release):
        self._url, self._release = url, release

    def now(self):
        """Tell the time of its clock, in seconds."""
        return float(self._asked("query", query="time()")["result"][1])

    def over(self, query, begin):
        """Ask how something was, second by second since a time."""
        found = self._asked("query_range", query=query, start=begin, end=self.now(), step=1)["result"]
        return [Series(each["metric"], _numbers(each["values"])) for each in found]

    def firing(self, alert, begin=None):
        """List the series of an alert that fires now, or fired at any time since *begin*."""
        return self.over(f'ALERTS{{alertname="{alert}", alertstate="firing", {self.own}}}', begin or self.now())

    def panel(self, title, begin):
        """List what a panel of the dashboard has shown since a time."""
        return [each for query in queries(title) for each in self.over(self._filled(query), begin)]

    def targets(self):
        """List the pods that it reads, and whether it can."""
        return {each.labels["pod"]: each.values[-1][1] for each in self.over(f"up{{{self.own}}}", self.now())}

    @property
    def own(self):
        """What every series of the release has."""
        return f'namespace="{self._release.namespace.name}", job="{self._release.name}"'

    def _filled(self, query):
        """Give the dashboard's variables their values."""
        values = {
            "$namespace": self._release.namespace.name,
            "$release": self._release.name,
            "$column": COLUMN,
            "$__rate_interval": RATE_INTERVAL,
            "$__interval": INTERVAL,
        }
        for name, value in values.items():
            query = query.replace(name, value)
        assert "$" not in query, query
        return query

    def _asked(self, way, **parameters):
        """Ask, and be answered: a port-forward breaks off now and then."""
        url = f"{self._url}/api/v1/{way}?{urllib.parse.urlencode(parameters)}"

        def answer():
            try:
                with urllib.request.urlopen(url, timeout=10) as told:
                    return True, json.load(told)["data"]
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                return False, error

        return until(f"an answer of Prometheus to {parameters}", answer, 30)


def queries(title):
    """List what a panel of the chart's dashboard asks; several panels may have one title, in different rows."""
    panels = json.loads(_DASHBOARD.read_text())["panels"]
    return list(dict.fromkeys(each["expr"] for panel in panels if panel["title"] == title for each in panel["targets"]))


@contextlib.contextmanager
def watch(release):
    """Let a Prometheus look after a release while the block runs; it has read every pod when that begins."""
    monitor, groups = rendered(release)
    release.namespace.apply(*_objects(scrape_configs(monitor), groups))
    release.namespace.await_rollout(NAME)
    with forwarded(release.namespace, f"svc/{NAME}", PORT) as (port,):
        made = Watch(f"http://127.0.0.1:{port}", release)
        until("a look at every pod", lambda: (all((found := made.targets()).values()) and found, found), 60)
        yield made


def rendered(release):
    """Render the PodMonitor and the rules that the chart makes for a release, the rules in haste."""
    shown = [f"--show-only=templates/{name}.yaml" for name in ("podmonitor", "prometheusrule")]
    values = merged(release.values, {"monitoring": MONITORING, "kserve": {"requireCRDs": False, "checkVersion": False}})
    place = ("--namespace", release.namespace.name, "--values", "-")
    text = run("helm", "template", release.name, str(CHART), *place, *shown, stdin=json.dumps(values))
    found = {each["kind"]: each for each in yaml.safe_load_all(text)}
    monitor = found["PodMonitor"]
    monitor["metadata"]["namespace"] = release.namespace.name
    return monitor, [hastened(group) for group in found["PrometheusRule"]["spec"]["groups"]]


def hastened(group):
    """Divide every duration of a group's rules: how long something must be so, and over which time it is told."""
    rules = []
    for rule in group["rules"]:
        expr = re.sub(r"\[(\w+)\]", lambda found: f"[{_shorter(found[1])}]", rule["expr"])
        expr = re.sub(r"\boffset (\w+)", lambda found: f"offset {_shorter(found[1])}", expr)
        rules.append({**rule, "expr": expr, **({"for": _shorter(rule["for"])} if "for" in rule else {})})
    return {**group, "rules": rules}


def _shorter(duration):
    """Divide one."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return f"{math.ceil(int(number) * _SECONDS[unit] / HASTE)}s"


def _numbers(values):
    """Read values; what is no number was not there to be told."""
    told = [(float(time), float(value)) for time, value in values]
    return [(time, value) for time, value in told if not math.isnan(value)]


def _objects(configs, groups):
    """Lay out the server, what it reads, and its right to find pods of its namespace."""
    intervals = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    whole = {"global": intervals, "rule_files": ["/etc/prometheus/rules.yaml"], "scrape_configs": configs}
    files = {"prometheus.yaml": yaml.safe_dump(whole), "rules.yaml": yaml.safe_dump({"groups": groups})}
    container = {
        "image": cluster_images.PROMETHEUS,
        "args": [
            "--config.file=/etc/prometheus/prometheus.yaml",
            "--storage.tsdb.path=/tmp/data",
            "--log.level=warn",
        ],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": PORT}, "periodSeconds": 1, "timeoutSeconds": 10},
        "volumeMounts": [{"name": "files", "mountPath": "/etc/prometheus"}],
        "resources": resources("20m", "96Mi", "512Mi"),
    }
    spec = pod_spec(container, volumes=[{"name": "files", "configMap": {"name": NAME}}])
    spec |= {"serviceAccountName": NAME, "automountServiceAccountToken": True}
    return *_account(), config_map(NAME, files), deployment(NAME, spec), service(NAME, PORT)


def _account():
    """Lay out who it is to the API server."""
    metadata, api = {"name": NAME}, "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    yield {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": api, "kind": "Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME}],
    }
