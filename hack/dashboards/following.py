"""Following: the alias, the pairs behind it, and who brings them live."""

from dashboards.panels import GREEN, GREY, YES_OR_NO, Bars, Panel, Timeline
from dashboards.queries import ALIAS_LAG, RELEASE, Query, increase, quantiles, since

ROLLOUT = [
    Panel(
        "Alias lag over time",
        "For how long the alias has named a pair that gets no request.",
        [ALIAS_LAG],
        unit="s",
        limits=(900,),
    ),
    Timeline(
        "Conditions",
        "Of the PairedGraph, `Progressing` aside, which is neither good nor bad; one that is unknown has a gap.",
        [Query(f'twinpin_rollout_condition{{{RELEASE}, type!="Progressing"}}', "{{type}}")],
        words=YES_OR_NO,
    ),
    Panel(
        "Share of the canary",
        "Of 100 requests.",
        [Query(f"max(twinpin_rollout_canary_percent{{{RELEASE}}})", "canary")],
        unit="percent",
    ),
    Bars(
        "Writes of a front",
        "`PutBack`: somebody else wrote the graph.",
        [since("twinpin_rollout_switches_total", "reason")],
    ),
    Bars(
        "Pairs that were left alone",
        "By a controller, by its reason.",
        [since("twinpin_rollout_rejections_total", "reason")],
    ),
    Panel(
        "Pairs that are left alone now",
        "Until the alias moves away and back, the template changes, or somebody asks.",
        [
            Query(f"sum by (reason) (twinpin_rollout_rejected_pairs{{{RELEASE}}})", "{{reason}}"),
            Query(f"max(twinpin_pair_refused{{{RELEASE}}})", "by pods that follow the alias themselves"),
        ],
        silent="none",
    ),
    Panel(
        "In its role for",
        "Since the pair got it.",
        [Query(f"time() - max by (role) (twinpin_rollout_since_timestamp_seconds{{{RELEASE}}})", "{{role}}")],
        unit="s",
    ),
    Bars(
        "Rollouts that were removed",
        "Once they got no request any more.",
        [Query(f"sum({increase('twinpin_rollout_retirements_total')})", "removed")],
    ),
    Panel(
        "Pods on another pair than their release",
        "They cannot load what all others serve.",
        [Query(f"sum(twinpin_pair_behind{{{RELEASE}}})", "behind")],
        limits=(1,),
    ),
]

CONTROLLER = [
    Bars(
        "Faults",
        "Rounds that a fault ended; `conflict` is nobody's.",
        [since("twinpin_controller_faults_total", "kind")],
    ),
    Panel(
        "Since the last look",
        "That saw everything.",
        [Query(f"time() - max(twinpin_controller_last_look_timestamp_seconds{{{RELEASE}}})", "seconds ago")],
        unit="s",
        limits=(120,),
    ),
    Panel(
        "Time of a look",
        "At the cluster, and at the registry.",
        quantiles("twinpin_controller_look_duration_seconds"),
        unit="s",
    ),
    Timeline(
        "Registry reached",
        "By the controller.",
        [Query(f"min(twinpin_registry_reachable{{{RELEASE}}})", "MLflow")],
        words=YES_OR_NO,
        height=6,
    ),
    Timeline(
        "Controllers at work",
        "One has the lease; others stand by.",
        [Query(f"twinpin_controller_lease_held{{{RELEASE}}}", "{{pod}} {{instance}}")],
        words={"1": ("works", GREEN), "0": ("stands by", GREY)},
        height=6,
    ),
    Bars(
        "Webhooks",
        "Deliveries of MLflow's, by what became of them.",
        [since("twinpin_webhook_deliveries_total", "outcome")],
        height=6,
    ),
]
