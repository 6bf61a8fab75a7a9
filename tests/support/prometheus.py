"""A real Prometheus on a free loopback port, which reads what a test names every second."""

import contextlib
import json
import math
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from go_tools import tool

#: Seconds for a start, or for a first scrape, on a busy machine.
PATIENCE = 30.0
_LISTENS = re.compile(r'"?Listening on"? .*address=127\.0\.0\.1:(\d+)')


class Prometheus:
    """Answers queries; its series are those of the targets that it was started with."""

    def __init__(self, port):
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def now(self, query):
        """Evaluate at this moment: labels and value of each series that has a number."""
        found = self._get("query", query=query)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found if _is_number(each["value"])]

    def lately(self, query, seconds):
        """Evaluate second by second until now: labels and values of each series that has numbers."""
        now = time.time()
        found = self._get("query_range", query=query, start=now - seconds, end=now, step=1)["result"]
        series = [(each["metric"], [float(pair[1]) for pair in each["values"] if _is_number(pair)]) for each in found]
        return [(labels, values) for labels, values in series if values]

    def values(self, label, selector):
        """List the values of a label."""
        return self._get(f"label/{label}/values", **{"match[]": selector})

    def _get(self, path, **words):
        """Ask; a query that Prometheus does not understand fails with its words."""
        try:
            with urllib.request.urlopen(f"{self._url}{path}?{urllib.parse.urlencode(words)}", timeout=20) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from error


def _is_number(pair):
    """Whether a sample is one that can be drawn."""
    return math.isfinite(float(pair[1]))


@contextlib.contextmanager
def prometheus(folder, job, targets):
    """Start one that scrapes *targets*, ports of this machine with the labels of each, as one job."""
    configs = [{"targets": [f"127.0.0.1:{port}"], "labels": labels} for port, labels in targets.items()]
    document = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": job, "static_configs": configs}],
    }
    (folder / "prometheus.yaml").write_text(json.dumps(document))
    log = folder / "prometheus.log"
    flags = ("--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0")
    with log.open("wb") as written:
        running = subprocess.Popen([tool("prometheus"), *flags], cwd=folder, stderr=written)
    try:
        yield Prometheus(_port(running, log))
    finally:
        running.kill()
        running.wait(10)


def _port(running, log):
    """Wait until it answers; returns where."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and running.poll() is None:
        told = log.read_text()
        if (found := _LISTENS.search(told)) and "ready to receive web requests" in told:
            return int(found[1])
        time.sleep(0.1)
    raise AssertionError(log.read_text())
