"""The chart's alerts, by promtool: each fires when it should, and not where something looks alike."""

import alert_cases
import pytest
import yaml
from alert_rules import Rules
from go_tools import tool

ON = {"monitoring": {"rules": {"enabled": True}}}
#: Which cases are judged by the rules of which variant.
CASES = {
    "monitoring": alert_cases.REQUESTS | alert_cases.FEATURES | alert_cases.CONTROLLER | alert_cases.DRIFT,
    "collapsed": alert_cases.FOLLOWING,
}
#: Alerts that fire because nothing of the release is there.
ABSENT = {"TwinpinNothingServes", "TwinpinControllerGone"}
ALL = [(variant, alert) for variant, cases in CASES.items() for alert in cases]

pytestmark = pytest.mark.timeout(900)  # promtool may have to be built first


@pytest.fixture(scope="module")
def promtool():
    """Prometheus's own judge."""
    return tool("promtool")


@pytest.fixture(scope="module")
def rules(chart, promtool, tmp_path_factory):
    """The rules of a variant."""

    def of(variant):
        (made,) = [each for (kind, _), each in chart.objects(variant, ON).items() if kind == "PrometheusRule"]
        return Rules(promtool, tmp_path_factory.mktemp(variant), made["spec"]["groups"])

    return of


def test_promtool_finds_nothing_wrong(rules, variant):
    """In any variant."""
    assert rules(variant).check() == ""


@pytest.mark.parametrize(("variant", "alert"), ALL)
def test_an_alert_fires_and_says_what_is_so(rules, variant, alert):
    """Once, with the figures of the case."""
    case = CASES[variant][alert]

    assert rules(variant).judge(alert, case, [case.fires], (case.labels, case.says)) == ""


@pytest.mark.parametrize(("variant", "alert"), ALL)
def test_an_alert_is_silent_where_nothing_is_wrong(rules, variant, alert):
    """Or not for long enough, or below what is allowed."""
    case = CASES[variant][alert]

    assert case.quiet
    assert rules(variant).judge(alert, case, case.quiet) == ""


@pytest.mark.parametrize(("variant", "alert"), [each for each in ALL if each[1] not in ABSENT])
def test_another_release_wakes_nobody_here(rules, variant, alert):
    """Its series bear other names."""
    case = CASES[variant][alert]
    theirs = [
        [{**each, "series": each["series"].replace(ours, other)} for each in case.fires]
        for ours, other in (('job="forecast"', 'job="other"'), ('namespace="demo"', 'namespace="other"'))
    ]

    assert rules(variant).judge(alert, case, theirs) == ""


def test_every_alert_has_a_case(chart):
    """None is shipped that was never seen to fire."""
    files = (chart.folder / "files" / "alerts").glob("*.yaml")
    shipped = {rule["alert"] for file in files for rule in yaml.safe_load(file.read_text().replace("@", ""))["rules"]}

    assert shipped == {alert for _, alert in ALL}
