"""For each alert of the chart: what makes it fire, and what looks alike and must not. One value a minute."""

from alert_rules import Case, asked, series

#: Thirty requests a minute in the gateway, all answered.
CALM = [asked("200", "0+30x40"), series("twinpin_pair_info", "1x40", pair="p1-m1-6b86b2", pod="a")]


def buckets(metric, fast, slow, **labels):
    """A histogram whose requests take less than 0.1 s, or between 0.5 and 1 s: so many of each a minute."""
    counted = {"0.1": fast, "0.5": fast, "1": fast + slow, "+Inf": fast + slow}
    return [series(f"{metric}_bucket", f"0+{number}x40", le=le, **labels) for le, number in counted.items()]


def took(fast, slow, **labels):
    """Requests at the gateway."""
    labels = {"endpoint": "/predict", "app_kubernetes_io_component": "gateway"} | labels
    return buckets("twinpin_request_duration_seconds", fast, slow, **labels)


def entities(values):
    """Entities that the features step was asked for."""
    return series("twinpin_batch_rows_sum", values, step="features")


def condition(values, name="Ready"):
    """A condition of the PairedGraph."""
    return series("twinpin_rollout_condition", values, type=name, pod="c")


REQUESTS = {
    "TwinpinNothingServes": Case(
        fires=[asked("200", "0+30x40")],
        says="Prometheus has read no pod of forecast in demo that serves a pair for over 5 minutes: none is ready, or"
        " none is reached.",
        quiet=[CALM, [series("twinpin_pair_info", "1x10 _x3 1x30", pair="p1-m1-6b86b2")]],
    ),
    "TwinpinErrors": Case(
        fires=[asked("200", "0+49x40"), asked("503", "0+1x40")],
        says="2% of the requests to forecast in demo failed in the last 5 minutes; 1% is allowed.",
        quiet=[
            CALM,
            [asked("200", "0+199x40"), asked("500", "0+1x40")],  # 1 in 200
            [asked("200", "0+1x40"), asked("500", "0x27 0+1x2 2x20")],  # 2 in all
            [asked("200", "0+30x40"), asked("422", "0+30x40")],  # clients' own
            [*CALM, asked("503", "0+30x40", endpoint="ready")],  # probes of a pod that starts
            [*CALM, asked("503", "0+30x40", endpoint="infer", component="predict")],  # tried again, elsewhere
        ],
    ),
    "TwinpinSlow": Case(
        fires=took(90, 10),
        says="The 99th percentile of forecast in demo is 950ms; 250ms is allowed.",
        quiet=[took(1000, 1), took(0, 0), took(0, 10, endpoint="/health")],
    ),
    "TwinpinFull": Case(
        fires=[*CALM, asked("429", "0+30x40")],
        says="forecast in demo turns 500m requests a second away.",
        quiet=[CALM, [*CALM, asked("429", "0x27 0+30x1 30x20")]],
    ),
    "TwinpinQueue": Case(
        fires=[
            series("twinpin_queue_depth", f"{number}x40", step="predict", pod=pod)
            for pod, number in (("a", 9), ("b", 15))
        ],
        says="12 requests wait in each pod of the step predict of forecast in demo; 10 are allowed.",
        quiet=[
            [series("twinpin_queue_depth", "10x40", step="predict")],
            [series("twinpin_queue_depth", "0x22 50x20", step="predict")],
        ],
        labels={"step": "predict"},
    ),
    "TwinpinPodSilent": Case(
        fires=[series("up", "1x5 0x40", pod="forecast-predict-0", app_kubernetes_io_component="predict")],
        says="forecast-predict-0 of forecast in demo has not answered Prometheus for over 15 minutes: it"
        " waits in Init, hangs, or is not reached.",
        quiet=[
            [series("up", "1x40", pod="a")],
            [series("up", "0x10 1x30", pod="a")],
            [series("up", "1x20 0x20", pod="a")],
        ],
        labels={"pod": "forecast-predict-0", "app_kubernetes_io_component": "predict"},
    ),
    "TwinpinPairMixed": Case(
        fires=[series("twinpin_pair_mismatches_total", "0x24 3x10", pod="a")],
        says="3 requests to forecast in demo were answered 409 in the last 10 minutes.",
        quiet=[
            [series("twinpin_pair_mismatches_total", "0x40")],
            [series("twinpin_pair_mismatches_total", "0x5 3x40")],
        ],
    ),
}

FEATURES = {
    "TwinpinStoreDown": Case(
        fires=[asked("503", "0+30x40", "infer", "features"), asked("200", "0+10x40", "infer", "features")],
        says="75% of the requests that name entities to forecast in demo are answered 503.",
        quiet=[
            [asked("503", "0+10x40", "infer", "features"), asked("200", "0+30x40", "infer", "features")],
            [asked("503", "0+30x40", "ready", "features"), asked("200", "0+30x40", "infer", "features")],
            [asked("503", "0+30x40", "infer", "predict"), asked("200", "0+30x40", "infer", "features")],
        ],
    ),
    "TwinpinFeaturesMissing": Case(
        fires=[
            series("twinpin_feature_misses_total", "0+20x40"),
            entities("0+100x40"),
        ],
        says="The store of forecast in demo has no features of 20% of the entities that were asked for in the last 10"
        " minutes; 10% is allowed.",
        quiet=[
            [series("twinpin_feature_misses_total", "0+5x40"), entities("0+100x40")],
            [series("twinpin_feature_misses_total", "0x40"), entities("0x40")],
            [
                series("twinpin_feature_misses_total", "0+20x3 60x40"),
                entities("0+100x40"),
            ],
        ],
    ),
    "TwinpinFeaturesStale": Case(
        fires=[
            series("twinpin_features_stale_total", "0+50x40"),
            entities("0+100x40"),
        ],
        says="50% of the entities that forecast in demo was asked for in the last 10 minutes have features that are too"
        " old; 10% is allowed.",
        quiet=[
            [series("twinpin_features_stale_total", "0+5x40"), entities("0+100x40")],
            [series("twinpin_features_stale_total", "0x40"), entities("0x40")],
        ],
    ),
}

CONTROLLER = {
    "TwinpinNotReady": Case(
        fires=[condition("1x25 0x10")],
        says="The controller of forecast in demo finds no step, or no router, that is ready.",
        quiet=[[condition("1x40")], [condition("0x40", "CanaryHealthy")], [condition("1x20 0x1 1x20")]],
    ),
    "TwinpinAliasLag": Case(
        fires=[series("twinpin_rollout_alias_lag_seconds", "0+60x40")],
        says="The alias of forecast in demo has named it for 30m 0s: it is on its way for too long, or was left alone."
        " The pair before serves.",
        quiet=[
            [series("twinpin_rollout_alias_lag_seconds", "0+60x14 0x30")],
            [series("twinpin_rollout_alias_lag_seconds", "0x40")],
        ],
    ),
    "TwinpinAliasBroken": Case(
        fires=[condition("1x5 0x30", "PairAccepted")],
        says="The alias of forecast in demo is half moved, gone, or on versions that do not belong together.",
        quiet=[
            [condition("1x40", "PairAccepted")],
            [condition("1x10 0x3 1x20", "PairAccepted")],
            [condition("0x40", "GraphInSync")],
            [  # a whole pair, which was left alone
                condition("0x40", "PairAccepted"),
                series("twinpin_rollout_rejected_pairs", "1x40", reason="WrongForecast"),
            ],
        ],
    ),
    "TwinpinPairRejected": Case(
        fires=[series("twinpin_rollout_rejected_pairs", "_x20 1x20", reason="WrongForecast")],
        says="1 pair of forecast in demo was left alone: WrongForecast.",
        quiet=[[series("twinpin_rollout_rejected_pairs", "1x20 _x20", reason="WrongForecast")]],
        labels={"reason": "WrongForecast"},
    ),
    "TwinpinRegistryDown": Case(
        fires=[series("twinpin_registry_reachable", "1x15 0x20")],
        says="The controller of forecast in demo has not reached MLflow for over 10 minutes.",
        quiet=[[series("twinpin_registry_reachable", "1x40")], [series("twinpin_registry_reachable", "1x23 0x20")]],
    ),
    "TwinpinControllerBlind": Case(
        fires=[series("twinpin_controller_last_look_timestamp_seconds", "0+60x20 1200x20", pod="c")],
        says="The last look of the controller of forecast in demo that saw everything was 10m 0s ago.",
        quiet=[
            [series("twinpin_controller_last_look_timestamp_seconds", "0+60x40", pod="c")],
            [  # one works, the other stands by
                series("twinpin_controller_last_look_timestamp_seconds", "0+60x40", pod="c"),
                series("twinpin_controller_last_look_timestamp_seconds", "0x40", pod="d"),
            ],
        ],
    ),
    "TwinpinControllerGone": Case(
        fires=CALM,
        says="No controller of forecast in demo works; what serves goes on.",
        quiet=[
            [
                series("twinpin_controller_lease_held", "1x40", pod="c"),
                series("twinpin_controller_lease_held", "0x40", pod="d"),
            ],
            [series("twinpin_controller_lease_held", "1x20 0x3 1x20", pod="c")],
        ],
    ),
    "TwinpinControllerFaults": Case(
        fires=[series("twinpin_controller_faults_total", "0+1x40", kind="template", pod="c")],
        says="15 rounds of the controller of forecast in demo ended in a fault of the kind template in the last 15"
        " minutes.",
        quiet=[
            [series("twinpin_controller_faults_total", "0+1x40", kind="conflict", pod="c")],
            [series("twinpin_controller_faults_total", "0x20 4x20", kind="cluster", pod="c")],
        ],
        labels={"kind": "template"},
    ),
    "TwinpinPutBack": Case(
        fires=[series("twinpin_rollout_switches_total", "0+1x40", reason="PutBack", pod="c")],
        says="The controller of forecast in demo put the graph back 10 times in the last 10 minutes.",
        quiet=[
            [series("twinpin_rollout_switches_total", "0x25 2x20", reason="PutBack", pod="c")],
            [series("twinpin_rollout_switches_total", "0+1x40", reason="CanaryChanged", pod="c")],
        ],
    ),
}

#: Pods that follow the alias themselves.
FOLLOWING = {
    "TwinpinPairBehind": Case(
        fires=[series("twinpin_pair_behind", "0x10 1x30", pod="a"), series("twinpin_pair_behind", "0x40", pod="b")],
        says="a of forecast in demo cannot load the pair that all others serve.",
        quiet=[[series("twinpin_pair_behind", "0x40", pod="a")], [series("twinpin_pair_behind", "0x22 1x20", pod="a")]],
        labels={"pod": "a"},
    ),
    "TwinpinPairRefused": Case(
        fires=[series("twinpin_pair_refused", "0x10 1x30", pod="a"), series("twinpin_pair_refused", "1x30", pod="b")],
        says="Pods of forecast in demo refused the pair behind the alias; the PairedGraph says which, and why.",
        quiet=[
            [series("twinpin_pair_refused", "0x40", pod="a")],
            [series("twinpin_pair_refused", "1x10 0x30", pod="a")],
        ],
    ),
    "TwinpinRegistryDown": Case(
        fires=[
            series("twinpin_registry_reachable", "1x40", pod="a"),
            series("twinpin_registry_reachable", "1x15 0x20", pod="b"),
        ],
        says="A pod of forecast in demo has not reached MLflow for over 10 minutes.",
        quiet=[
            [series("twinpin_registry_reachable", "1x40", pod="a")],
            [series("twinpin_registry_reachable", "1x23 0x20", pod="a")],
        ],
    ),
    "TwinpinStoreDown": Case(
        fires=[
            asked("503", "0+30x40", "/predict/feast", "serve"),
            asked("200", "0+10x40", "/predict/feast/batch", "serve"),
        ],
        says="75% of the requests that name entities to forecast in demo are answered 503.",
        quiet=[[asked("503", "0+30x40", "/predict", "serve"), asked("200", "0+10x40", "/predict/feast", "serve")]],
    ),
}


def column(name, values, **labels):
    """Something observed of a column."""
    return series(f"twinpin_observed_{name}", values, column="temp", **labels)


#: The range of a column, between 5 and 15, and rows enough.
RANGE = [column("quantile", f"{value}x288", pair="p1", quantile=share) for share, value in (("0.05", 5), ("0.95", 15))]
ROWS = [column("recent", "500x288", pair="p1")]

#: A value every ten minutes, for these take a day.
DRIFT = {
    "TwinpinValuesMissing": Case(
        fires=[column("missing_total", "0+300x20", pair="p1"), column("values_total", "0+1000x20", pair="p1")],
        says="30% of the values of temp that forecast in demo saw in the last hour are missing; 10% is allowed.",
        quiet=[[column("missing_total", "0+50x20", pair="p1"), column("values_total", "0+1000x20", pair="p1")]],
        at="2h",
        labels={"column": "temp"},
        every="10m",
    ),
    "TwinpinDrift": Case(
        fires=[  # another pair since noon; the columns are the same
            *(column("mean", "10x160 _x144", pair="p1"), column("mean", "_x144 16x160", pair="p2")),
            *(*RANGE, *ROWS),
        ],
        says="The mean of temp in forecast in demo was 60% of the range between the 5th and the 95th percentile away in"
        " the last hour from what it was 1d before; 50% is allowed.",
        quiet=[
            [column("mean", "10x144 14x144", pair="p1"), *RANGE, *ROWS],
            [column("mean", "10x144 16x144", pair="p1"), *RANGE, column("recent", "20x288", pair="p1")],
            [column("mean", "_x144 16x144", pair="p1"), *RANGE, *ROWS],  # there is no day before
        ],
        at="30h",
        labels={"column": "temp"},
        every="10m",
    ),
}
