"""Serving: what clients meet, and what the pods do for them."""

from dashboards.panels import SO, YES_OR_NO, Bars, Figure, Panel, Timeline
from dashboards.queries import (
    ALIAS_LAG,
    ASKED,
    BY_PAIR,
    FAILED,
    FRONT,
    RELEASE,
    UNANSWERED,
    Query,
    increase,
    mean,
    per_second,
    quantiles,
    rate,
)

_ALL = f"sum({rate('twinpin_requests_total', ASKED)})"
#: Their share that fails; 0 where all there are succeed.
_FAILED = Query(f"(sum({rate('twinpin_requests_total', f'{ASKED}, {FAILED}')}) / {_ALL}) or 0 * {_ALL}", "failed")
#: Requests to what serves one pair for life, or all of it in one process.
_PAIRED = f'{RELEASE}, app_kubernetes_io_component!~"features|gateway", endpoint=~"/predict.*|infer|grpc_infer"'

GLANCE = [
    Figure(
        "Pair",
        "The pair that answers. Two for longer than a moment: a canary, or pods that change over.",
        [Query(f"max by (pair) (twinpin_pair_info{{{FRONT}}} == 1)", "{{pair}}")],
        width=6,
        silent="none",
        name=True,
    ),
    Figure(
        "Serves",
        "The controller's condition Ready; without a controller, whether a pod that clients ask answers Prometheus.",
        [
            Query(
                f'min(twinpin_rollout_condition{{{RELEASE}, type="Ready"}}) or max(up{{{FRONT}}})',
                "serves",
            )
        ],
        words=YES_OR_NO,
        silent="nothing is read",
    ),
    Figure(
        "Alerts",
        "Alerts of this release that fire now.",
        [
            Query(
                f'count(ALERTS{{{RELEASE}, alertstate="firing", alertname=~"Twinpin.*"}}) or vector(0)',
                "firing",
            )
        ],
        limits=(1,),
    ),
    Figure(
        "Requests",
        "Requests for forecasts per second, as clients send them.",
        [Query(_ALL, "requests")],
        unit="reqps",
    ),
    Figure(
        "Failed",
        "Share of them that fail for a reason that is not the client's.",
        [_FAILED],
        unit="percentunit",
        limits=(0.001, 0.01),
    ),
    Figure(
        "p99",
        "What 99 requests in 100 stay below.",
        quantiles("twinpin_request_duration_seconds", which=ASKED, of=(0.99,)),
        unit="s",
        limits=(0.5, 1),
    ),
    Figure(
        "Alias lag",
        "For how long the alias has named a pair that gets no request.",
        [ALIAS_LAG],
        unit="s",
        limits=(300, 900),
        silent="no controller",
    ),
    Timeline(
        "Pairs over time",
        "Which pairs answer, and, with a controller, which role each has: it answers, is on its way, or is kept warm.",
        [
            Query(f"max by (pair) (twinpin_pair_info{{{FRONT}}} == 1)", "{{pair}} answers"),
            Query(f"max by (role, pair) (twinpin_rollout_pair_info{{{RELEASE}}})", "{{pair}} {{role}}"),
        ],
        width=12,
        height=6,
        words=SO,
    ),
    Timeline(
        "Phase",
        "The phase of the PairedGraph.",
        [Query(f"twinpin_rollout_phase{{{RELEASE}}} == 1", "{{phase}}")],
        width=12,
        height=6,
        words=SO,
    ),
]

REQUESTS = [
    Panel(
        "Requests by endpoint",
        "As clients send them, answered or not.",
        [per_second("twinpin_requests_total", "endpoint", which=ASKED)],
        unit="reqps",
    ),
    Panel(
        "Answers other than success, by status",
        "5xx, 429 and the words of gRPC are ours; other 4xx are the client's.",
        [per_second("twinpin_requests_total", "endpoint", "status", which=f"{ASKED}, {UNANSWERED}")],
        unit="reqps",
        silent="none",
    ),
    Panel(
        "Share of requests that fail",
        "For a reason that is not the client's.",
        [_FAILED],
        unit="percentunit",
        limits=(0.01,),
    ),
    Panel(
        "Time of a request, by endpoint",
        "From the request to its answer, where the client asked.",
        quantiles("twinpin_request_duration_seconds", "endpoint", which=ASKED),
        unit="s",
        width=12,
    ),
    Panel(
        "Entities per request",
        "Rows that one request asks for. Large ones take longer, and others wait for them.",
        [
            *quantiles("twinpin_request_entities", "endpoint", which=FRONT, of=(0.5, 0.99)),
            Query(mean("twinpin_request_entities", "endpoint", which=FRONT), "{{endpoint}} mean"),
        ],
        width=12,
    ),
]

STEPS = [
    Panel(
        "Time of a step's own work",
        "Without waiting for a worker, and without the network.",
        quantiles("twinpin_step_duration_seconds", "step"),
        unit="s",
        width=12,
    ),
    Panel(
        "Rows worked on at once",
        "By each step.",
        [
            *quantiles("twinpin_batch_rows", "step", of=(0.5, 0.99)),
            Query(mean("twinpin_batch_rows", "step"), "{{step}} mean"),
        ],
        width=12,
    ),
    Panel(
        "Worked on or waiting",
        "In the fullest pod of each step. At `maxInFlight`, 64 unless it was set, a pod answers 429.",
        [Query(f"max by (step) (twinpin_in_flight{{{RELEASE}}})", "{{step}}")],
    ),
    Panel(
        "Waiting for a worker",
        "For a thread, in the fullest pod of each step. What waits for too long is answered 504.",
        [Query(f"max by (step) (twinpin_queue_depth{{{RELEASE}}})", "{{step}}")],
        limits=(10,),
    ),
    Bars(
        "Stamps of another pair, refused",
        "Each was answered 409: something sent one pair's numbers to another's model.",
        [Query(f"sum({increase('twinpin_pair_mismatches_total')})", "refused")],
    ),
]

CANARY = [
    Panel(
        "Requests by pair",
        "What each pair's steps were asked for.",
        [
            Query(
                f"sum by (pair, step) ({rate('twinpin_step_duration_seconds_count')} {BY_PAIR})",
                "{{pair}} {{step}}",
            )
        ],
        unit="reqps",
    ),
    Panel(
        "Share that fails, by pair",
        "Of the requests to the steps of each pair, whoever is to blame: both get their share of the same ones.",
        [
            Query(
                f"sum by (pair) ({rate('twinpin_requests_total', f'{_PAIRED}, {UNANSWERED}')} {BY_PAIR})"
                f" / sum by (pair) ({rate('twinpin_requests_total', _PAIRED)} {BY_PAIR})",
                "{{pair}}",
            )
        ],
        unit="percentunit",
        silent="none",
    ),
    Panel(
        "Mean time of a step, by pair",
        "Of its own work.",
        [
            Query(
                f"sum by (pair, step) ({rate('twinpin_step_duration_seconds_sum')} {BY_PAIR})"
                f" / sum by (pair, step) ({rate('twinpin_step_duration_seconds_count')} {BY_PAIR})",
                "{{pair}} {{step}}",
            )
        ],
        unit="s",
    ),
]
