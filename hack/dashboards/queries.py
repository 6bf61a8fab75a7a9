"""Queries: PromQL with the dashboard's variables, and how its series are called."""

from dataclasses import dataclass

#: Series of the release that is looked at.
RELEASE = 'namespace="$namespace", job="$release"'
#: Those of the pods that clients ask: the gateway's, or of the one process that has all steps, in a cluster or not.
FRONT = f'{RELEASE}, app_kubernetes_io_component!~"features|preprocess|predict|controller"'
#: Requests for forecasts, and not probes; a step counts what others ask it for.
ASKED = f'{FRONT}, endpoint=~"/predict.*|infer|grpc_infer"'
#: Those that fail for a reason that is not the client's.
FAILED = 'status=~"5..|INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED"'
#: Those without a forecast, whoever is to blame.
UNANSWERED = 'status!~"2..|OK"'
#: The pair of a pod that serves one, to be joined to what the pod counts.
BY_PAIR = f"* on (namespace, job, instance) group_left (pair) (twinpin_pair_info{{{RELEASE}}} == 1)"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and what Grafana calls each of its series; empty: by its labels."""

    expr: str
    legend: str = ""


def rate(metric: str, which: str = RELEASE) -> str:
    """Count per second."""
    return f"rate({metric}{{{which}}}[$__rate_interval])"


def increase(metric: str) -> str:
    """Count within each step of the drawing."""
    return f"increase({metric}{{{RELEASE}}}[$__rate_interval])"


def per_second(metric: str, *by: str, which: str = RELEASE) -> Query:
    """Count per second and label."""
    return _labelled(rate(metric, which), by)


def since(metric: str, *by: str) -> Query:
    """Count within each step of the drawing, and label."""
    return _labelled(increase(metric), by)


def quantiles(histogram: str, *by: str, which: str = RELEASE, of: tuple[float, ...] = (0.5, 0.95, 0.99)) -> list[Query]:
    """Tell what so many requests in a hundred stay below, per label."""
    named = "".join(f"{{{{{each}}}}} " for each in by)
    buckets = f"sum by ({', '.join(('le', *by))}) ({rate(f'{histogram}_bucket', which)})"
    return [Query(f"histogram_quantile({each}, {buckets})", f"{named}p{each * 100:.0f}") for each in of]


def mean(histogram: str, *by: str, which: str = RELEASE) -> str:
    """Average, per label."""
    over = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{over} ({rate(f'{histogram}_sum', which)}) / {over} ({rate(f'{histogram}_count', which)})"


def _labelled(counted: str, by: tuple[str, ...]) -> Query:
    """Add up per label, and call each series by its labels."""
    return Query(f"sum by ({', '.join(by)}) ({counted})", " ".join(f"{{{{{each}}}}}" for each in by))


#: For how long the alias has named a pair that gets no request.
ALIAS_LAG = Query(f"max(twinpin_rollout_alias_lag_seconds{{{RELEASE}}})", "lag")
