"""Data: what the store holds, and what the model is given and gives."""

from dashboards.panels import Panel
from dashboards.queries import RELEASE, Query, quantiles, rate

_COLUMN = f'{RELEASE}, column="$column"'

FEATURES = [
    Panel(
        "Time of a read",
        "Of the online store, for all entities of a request at once.",
        quantiles("twinpin_feature_read_duration_seconds"),
        unit="s",
        width=6,
    ),
    Panel(
        "Reads",
        "Of the online store, per second.",
        [Query(f"sum({rate('twinpin_feature_read_duration_seconds_count')})", "reads")],
        unit="ops",
        width=6,
    ),
    Panel(
        "Entities without features",
        "Unknown to the store, or with nothing there.",
        [Query(f"sum({rate('twinpin_feature_misses_total')})", "missing")],
        unit="ops",
        width=6,
    ),
    Panel(
        "Entities with stale features",
        "Older than allowed.",
        [Query(f"sum({rate('twinpin_features_stale_total')})", "stale")],
        unit="ops",
        width=6,
    ),
    Panel(
        "Age of the features",
        "Of the oldest ones of a request, at the time that it asked for. It grows where nothing fills the store.",
        quantiles("twinpin_feature_age_seconds", of=(0.5, 0.95, 0.99)),
        unit="s",
        width=24,
    ),
]

DRIFT = [
    Panel(
        "Mean of $column",
        "Of the last ten minutes, by pair. An input means the same under any pair; a step in it is the data's.",
        [Query(f"avg by (pair) (twinpin_observed_mean{{{_COLUMN}}})", "{{pair}}")],
        width=6,
        signed=True,
    ),
    Panel(
        "Quantiles of $column",
        "Of the last ten minutes, by pair.",
        [Query(f"avg by (pair, quantile) (twinpin_observed_quantile{{{_COLUMN}}})", "{{pair}} {{quantile}}")],
        width=6,
        signed=True,
    ),
    Panel(
        "Missing values of $column",
        "Share of the rows that were looked at.",
        [
            Query(
                f"sum by (pair) ({rate('twinpin_observed_missing_total', _COLUMN)})"
                f" / sum by (pair) ({rate('twinpin_observed_values_total', _COLUMN)})",
                "{{pair}}",
            )
        ],
        unit="percentunit",
        width=6,
    ),
    Panel(
        "Rows behind it",
        "Of the last ten minutes, 1,024 a pod at most. Few of them make a poor mean.",
        [Query(f"sum by (pair) (twinpin_observed_recent{{{_COLUMN}}})", "{{pair}}")],
        width=6,
    ),
]
