"""Two pairs that differ, asked the same: their metrics tell them apart, and the canary's judge reads it there."""

import datetime as dt

import httpx
import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families
from served_world import ALIAS, COLUMNS, HORIZON, LAGS, MlflowClient, make_world, register_pair

from twinpin.rollout.judging import done
from twinpin.rollout.resource import Count, Limits, Mark
from twinpin.rollout.scrape import read_figures
from twinpin.rollout.verdict import verdict

pytestmark = pytest.mark.timeout(300)
#: By so much the second pair's forecasts are above the first one's; those spread over some units.
ABOVE = 40
ROWS, TOGETHER = 160, 4
GAP = "swell_lag_0"
BEGUN = Mark(at=dt.datetime.fromtimestamp(0, dt.UTC))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A world with two pairs, each behind an alias of its own."""
    world = make_world(tmp_path_factory.mktemp("observed"))
    second = register_pair(world.folder / "second", world.registry, seed=ABOVE)
    client = MlflowClient(tracking_uri=world.registry, registry_uri=world.registry)
    for name, version in second.versions.items():
        client.set_registered_model_alias(name, "next", version)
    return world, second


@pytest.fixture(scope="module")
def servers(pairs):
    """`twinpin serve` for each of them."""
    world, _ = pairs
    more = {"store": False, "observe_columns": LAGS + 1, "observe_interval": 0, "flags": ["--observe"]}
    with world.serve("first", alias=ALIAS, **more) as first, world.serve("second", alias="next", **more) as second:
        yield first, second


def rows(seed, gaps):
    """Rows of which a share lacks one input."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(ROWS, len(COLUMNS))), columns=COLUMNS)
    return frame.assign(**{GAP: frame[GAP].mask(draw.random(ROWS) < gaps)})


def ask(server, frame):
    """Send all rows, some at a time; returns what /metrics says afterwards."""
    with httpx.Client(base_url=server.url) as client:
        for begin in range(0, ROWS, TOGETHER):
            some = frame[begin : begin + TOGETHER].astype(object)
            data = {name: values.where(values.notna(), None).tolist() for name, values in some.items()}
            client.post("/predict", json={"data": data}).raise_for_status()
        return client.get("/metrics").text


def value(text, name, **labels):
    """One sample of an exposition; None where it is not there."""
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    found = [each.value for each in samples if (each.name, each.labels) == (f"twinpin_observed_{name}", labels)]
    return found[0] if found else None


def pair_of(server):
    """The pair that it serves."""
    return httpx.get(f"{server.url}/health").json()["pair"]["id"]


def chain(text, rollout):
    """What the judge makes of a process with both steps, of which it sums up each as a pod of its own step."""
    count = Count(pod=rollout, rollout=rollout, step="serve", **read_figures(text))
    return done(rollout, BEGUN, [count])


@pytest.fixture(scope="module")
def asked(pairs, servers):
    """Rows for each pair, of which the second one's lack an input more often, and the metrics afterwards."""
    frames = rows(1, 0.05), rows(2, 0.6)
    return frames, [ask(server, frame) for server, frame in zip(servers, frames, strict=True)]


def test_the_figures_are_those_of_the_same_rows_offline(pairs, servers, asked):
    """Each pair under its own name: counts, gaps, means and quantiles, of inputs as they came and of forecasts."""
    frames, texts = asked
    offline = [each.offline(frame) for each, frame in zip(pairs, frames, strict=True)]
    for server, frame, text, forecasts in zip(servers, frames, texts, offline, strict=True):
        pair = pair_of(server)
        for column, values in ((GAP, frame[GAP].to_numpy()), ("forecast", forecasts)):
            labels = {"pair": pair, "column": column}
            assert value(text, "values_total", **labels) == ROWS
            assert value(text, "missing_total", **labels) == (np.isnan(values).sum() if column == GAP else 0)
            assert value(text, "mean", **labels) == pytest.approx(np.nanmean(values), abs=1e-4)
            for share in (0.05, 0.25, 0.5, 0.75, 0.95):
                found = value(text, "quantile", **labels, quantile=str(share))
                assert found == pytest.approx(np.nanquantile(values, share), abs=1e-4)
    assert forecasts.shape == (ROWS, HORIZON)


def test_columns_are_bounded(servers, asked):
    """The first so many of the signature, and nothing that a client sent."""
    pair, text = pair_of(servers[0]), asked[1][0]

    shown = [name for name in (*COLUMNS, "forecast") if value(text, "recent", pair=pair, column=name)]

    assert shown == [*COLUMNS[: LAGS + 1], "forecast"]


def test_the_judge_ends_the_second_pair_and_not_the_first(pairs, asked):
    """By its forecasts, by its gaps, each with the figures of both; beside itself no pair is ended."""
    _, (first, second) = asked
    stable, canary = chain(first, "p1"), chain(second, "p2")

    drifting = verdict(stable, canary, Limits(drift=1.0))
    gaping = verdict(stable, canary, Limits(missing=0.2))

    assert "The median forecast of 160 rows is " in drifting
    assert f"{GAP} was missing in " in gaping
    assert "of 160 rows of the canary" in gaping
    for limits in (Limits(drift=0.0, missing=0.0), Limits()):
        assert verdict(stable, chain(first, "p1"), limits) is None
    assert verdict(stable, canary, Limits()) is None
    assert verdict(stable, canary, Limits(drift=1.0, missing=0.2, requests=ROWS + 1)) is None


def test_without_the_setting_nothing_is_shown(pairs):
    """It is off by default."""
    world, _ = pairs
    with world.serve("silent", alias=ALIAS, store=False) as server:
        text = ask(server, rows(1, 0.05))

    assert "twinpin_observed" not in text
    assert read_figures(text)["forecasts"] is None
