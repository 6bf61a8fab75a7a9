"""The chart's alerts, judged by promtool as Prometheus would judge them."""

import subprocess
from dataclasses import dataclass, field

import yaml

#: What Prometheus adds to the series of a pod of the release.
OURS = {"namespace": "demo", "job": "forecast"}


def series(metric, values, **labels):
    """One series of the release, its values in promtool's notation: `0+5x3` is 0, 5, 10, 15."""
    named = ", ".join(f'{name}="{value}"' for name, value in {**OURS, **labels}.items())
    return {"series": f"{metric}{{{named}}}", "values": values}


def asked(status, values, endpoint="/predict", component="gateway", **labels):
    """Requests that a part answered."""
    labels |= {"endpoint": endpoint, "status": status, "app_kubernetes_io_component": component}
    return series("twinpin_requests_total", values, **labels)


@dataclass(frozen=True)
class Case:
    """What makes an alert fire, *at* what time, and situations in which it must not; a value *every* so often.

    *says* is the description then, *labels* are what it adds to those of the release.
    """

    fires: list
    says: str
    quiet: list
    at: str = "30m"
    every: str = "1m"
    labels: dict = field(default_factory=dict)


class Rules:
    """The groups of one PrometheusRule, in a file."""

    def __init__(self, promtool, folder, groups):
        self._promtool, self._folder = promtool, folder
        self.by_name = {rule["alert"]: rule for group in groups for rule in group["rules"]}
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))

    def check(self):
        """Let promtool look for mistakes; returns what it says of them."""
        return self._said("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")

    def judge(self, alert, case, situations, *fires):
        """Evaluate each situation as often and as long as the case says; returns what is not as expected.

        *fires* are the labels and the description of each alert that fires then, in all of them.
        """
        rule = self.by_name[alert]
        expected = [
            {
                "exp_labels": {**OURS, **rule["labels"], **labels},
                "exp_annotations": {**rule["annotations"], "description": says},
            }
            for labels, says in fires
        ]
        asks = [{"eval_time": case.at, "alertname": alert, "exp_alerts": expected}]
        tests = [{"interval": case.every, "input_series": each, "alert_rule_test": asks} for each in situations]
        document = {"rule_files": ["rules.yaml"], "evaluation_interval": case.every, "tests": tests}
        (self._folder / "test.yaml").write_text(yaml.safe_dump(document))
        return self._said("test", "rules", "test.yaml")

    def _said(self, *words):
        """Run promtool; what it says where it finds fault, else nothing."""
        command = [self._promtool, *words]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, timeout=60)
        return "" if done.returncode == 0 else done.stdout + done.stderr
