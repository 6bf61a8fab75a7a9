"""Document: the dashboard as Grafana reads it."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard

from dashboards import data, following, pods, serving
from dashboards.panels import SOURCE, Panel
from dashboards.queries import RELEASE

ROWS: dict[str, list[Panel]] = {
    "At a glance": serving.GLANCE,
    "Requests": serving.REQUESTS,
    "Steps": serving.STEPS,
    "Features": data.FEATURES,
    "Pairs": following.ROLLOUT,
    "Stable beside canary": serving.CANARY,
    "Pods and devices": pods.PODS,
    "Drift": data.DRIFT,
    "Controller": following.CONTROLLER,
}
#: Variable -> its label, and what it may be. Outside of a cluster there is no namespace, and the empty one means that.
VARIABLES = {
    "namespace": ("Namespace", "label_values(twinpin_pair_info, namespace)"),
    "release": ("Release", 'label_values(twinpin_pair_info{namespace="$namespace"}, job)'),
    "column": ("Column", f"label_values(twinpin_observed_mean{{{RELEASE}}}, column)"),
}


def text() -> str:
    """Write the whole dashboard."""
    return JSONEncoder(indent=2, ensure_ascii=False).encode(_dashboard().build()) + "\n"


def _dashboard() -> build.Dashboard:
    """Put it together."""
    made = build.Dashboard("Twinpin").uid("twinpin").tags(["forecasting", "kserve", "twinpin"]).readonly()
    made = made.description(
        "Forecasts from one pinned pair of preprocessor and model. docs/operations.md says what to do."
    )
    made = (
        made.time("now-3h", "now").refresh("30s").timezone("browser").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    )
    made = made.with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for name, (label, query) in VARIABLES.items():
        made = made.with_variable(_variable(name, label, query))
    made = made.annotation(_switches())
    number = iter(range(1, 1000))
    for title, panels in ROWS.items():
        made = made.with_row(build.Row(title).id(next(number)))
        for each in _in_lines(panels):
            made = made.with_panel(each.built(next(number)))
    return made


def _in_lines(panels: list[Panel]) -> Iterator[Panel]:
    """Check that panels fill the grid's 24 columns, so that none hangs alone beside a gap."""
    filled = 0
    for each in panels:
        filled += each.width
        yield each
        if filled > 24:  # noqa: PLR2004 -- the grid's
            raise ValueError(f"{each.title} is too wide for its line")
        filled %= 24
    if filled:
        raise ValueError(f"the line of {panels[-1].title} ends at column {filled} of 24")


def _variable(name: str, label: str, query: str) -> build.QueryVariable:
    """Let the reader choose, of what is there now."""
    made = (
        build.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(common.DataSourceRef(SOURCE.type_val, SOURCE.uid))
    )
    return made.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dashboard.VariableSort.ALPHABETICAL_ASC)


def _switches() -> build.AnnotationQuery:
    """Mark in each panel when a front was written."""
    expr = f"sum by (reason) (increase(twinpin_rollout_switches_total{{{RELEASE}}}[$__interval])) > 0"
    made = build.AnnotationQuery().name("Switches").datasource(SOURCE).enable(enable=True).icon_color("blue")
    return made.expr(expr).title_format("{{reason}}").step("60s")
