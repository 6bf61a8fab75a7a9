"""When a canary's figures are bad enough to end it."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from twinpin.rollout.resource import Forecasts, Limits
from twinpin.rollout.verdict import CHANCE, Counted, verdict

LIMITS = Limits()


def counted(requests, errors=0, milliseconds=10.0, spread=1.0, restarts=0):
    """What a step did, its times that far around their mean."""
    seconds = milliseconds / 1000
    squares = requests * (seconds**2 + (spread / 1000) ** 2)
    return Counted(requests, errors, requests * seconds, squares, restarts)


STABLE = {"predict": counted(9000, 9)}


@pytest.mark.parametrize(
    ("canary", "word"),
    [
        (counted(1000, 1), None),
        (counted(99, 99), None),
        (counted(1000, 9), None),
        (counted(1000, 50), "50 of 1000 requests to predict"),
        (counted(1000, 1, 19.0), None),
        (counted(1000, 1, 30.0), "takes 30.0 ms"),
        (counted(1000, 1, 30.0, spread=300.0), None),
        (counted(10, restarts=1), None),
        (counted(10, restarts=2), "started again 2 times"),
    ],
)
def test_a_canary_ends_when_it_is_worse_than_chance_allows(canary, word):
    """Few requests, few errors more, a little slowness and one restart are borne."""
    said = verdict(STABLE, {"predict": canary}, LIMITS)

    assert said is None if word is None else word in said


def test_what_the_stable_chain_does_as_badly_is_borne():
    """The store may be down, or a client sends nonsense."""
    stable = {"predict": counted(9000, 900, 50.0, restarts=3)}

    assert verdict(stable, {"predict": counted(1000, 105, 60.0, restarts=3)}, LIMITS) is None


def test_without_a_stable_chain_to_compare_to_nothing_is_said():
    """The first pair is judged by its probe alone."""
    assert verdict({"predict": Counted()}, {"predict": counted(1000, 900)}, LIMITS) is None
    assert verdict({}, {"predict": counted(1000, 900)}, LIMITS) is None


def test_the_steps_of_a_chain_make_its_time_together():
    """A step of no weight may be slow, and pods that are not counted make no difference."""
    stable = {"preprocess": counted(1000, milliseconds=1.0), "predict": counted(9000, milliseconds=20.0)}
    one = stable | {"preprocess": counted(500, milliseconds=5.0)}
    both = {"preprocess": counted(500, milliseconds=5.0), "predict": counted(200, milliseconds=60.0)}

    assert verdict(stable, one, LIMITS) is None
    assert "takes 65.0 ms in the canary, 21.0 ms" in verdict(stable, both, LIMITS)


def test_chance_alone_hardly_ever_ends_a_canary():
    """Both chains fail one in fifty: of many canaries that are looked at many times, none ends."""
    draw = np.random.default_rng(7)
    stable, canary = (draw.binomial(number, 0.02, (1000, 20)).cumsum(axis=1) for number in (900, 100))
    looks = [
        verdict({"p": counted(900 * n, int(few))}, {"p": counted(100 * n, int(many))}, LIMITS)
        for one, other in zip(stable, canary, strict=True)
        for n, (few, many) in enumerate(zip(one, other, strict=True), 1)
    ]

    assert not any(looks)


@given(*(st.integers(0, most) for most in (10**6, 3000, 10**5, 3000)))
def test_the_chance_is_that_of_the_binomial_distribution(stable, few, canary, many):
    """As scipy has it, however many there are."""
    stable, canary = stable + few + 1, canary + many + 1
    wanted = binom.sf(many - 1, few + many, canary / (stable + canary))
    assume(not 0.9 * CHANCE < wanted < 1.1 * CHANCE)
    said = verdict({"p": counted(stable, few)}, {"p": counted(canary, many)}, Limits(errors=0, requests=1))

    assert (said is not None) == (many / canary > few / stable and wanted < CHANCE)


def forecasting(rows, median, width=10.0):
    """A step whose forecasts lie so around their median."""
    spread = Forecasts(rows=rows, lower=median - width / 2, median=median, upper=median + width / 2)
    return {"f-predict": Counted(1000, forecasts=spread)}


@pytest.mark.parametrize(
    ("canary", "ends"),
    [
        (forecasting(1000, 50.0), False),
        (forecasting(1000, 64.0), False),
        (forecasting(1000, 68.0), True),
        (forecasting(1000, 32.0), True),
        (forecasting(1000, 68.0, width=1e3), False),
        (forecasting(100, 68.0), False),
        (forecasting(99, 1e9), False),
        ({"f-predict": Counted(1000)}, False),
    ],
)
def test_a_canary_whose_forecasts_lie_elsewhere_ends(canary, ends):
    """By one and a half widths of the stable chain's middle half, and more than its few or scattered rows explain."""
    said = verdict(forecasting(1000, 50.0), canary, Limits(drift=1.5))

    assert (said is not None) == ends
    assert verdict(forecasting(1000, 50.0), canary, Limits()) is None


def test_a_verdict_on_forecasts_has_the_figures_of_both():
    """And says what they are measured by."""
    said = verdict(forecasting(1000, 50.0), forecasting(500, 75.5), Limits(drift=1.5))

    assert said == (
        "The median forecast of 500 rows is 75.5 in the canary, of 1000 rows 50 in the stable chain, "
        "where half of all values lie within 10: 2.5 of that apart."
    )


@pytest.mark.parametrize(
    "stable", [forecasting(99, 50.0), forecasting(1000, 50.0, width=0.0), {"f-predict": Counted()}]
)
def test_forecasts_that_show_no_spread_measure_nothing(stable):
    """One entity that is asked for again and again is forecast the same each time."""
    assert verdict(stable, forecasting(1000, 1e6), Limits(drift=0)) is None


def gaping(rows, **missing):
    """A step whose inputs were missing so often."""
    return {"f-preprocess": Counted(rows, rows=rows, missing=missing)}


@pytest.mark.parametrize(
    ("canary", "column"),
    [
        (gaping(500, wind=30), None),
        (gaping(500, wind=70), None),
        (gaping(500, wind=100), "wind"),
        (gaping(500, wind=100, rain=200), "rain"),
        (gaping(500, snow=500), "snow"),
        (gaping(99, wind=99), None),
    ],
)
def test_a_canary_whose_inputs_are_missing_ends(canary, column):
    """By a tenth of the rows more in any one of them; what the stable chain does not take, it does not miss."""
    said = verdict(gaping(2000, wind=100), canary, Limits(missing=0.1))

    assert said is None if column is None else f"{column} was missing in " in said
    assert verdict(gaping(2000, wind=100), canary, Limits()) is None


def test_a_verdict_on_inputs_has_the_figures_of_both():
    """Of the worst one."""
    said = verdict(gaping(2000, wind=100), gaping(500, wind=100), Limits(missing=0.1))

    assert said == "wind was missing in 100 of 500 rows of the canary, in 100 of 2000 of the stable chain."


def test_few_rows_of_the_stable_chain_measure_nothing():
    """It may be new itself."""
    assert verdict(gaping(99), gaping(500, wind=500), Limits(missing=0)) is None


def test_chance_alone_hardly_ever_ends_a_canary_for_what_it_forecasts_or_lacks():
    """Both chains draw the same rows; of many canaries with limits of nothing, none ends."""
    draw = np.random.default_rng(11)

    def chain(rows):
        quartiles = np.quantile(draw.normal(10, 3, rows), (0.25, 0.5, 0.75))
        words = dict(zip(("lower", "median", "upper"), quartiles, strict=True))
        missing = dict(zip("abcdef", draw.binomial(rows, 0.1, 6).tolist(), strict=True))
        return {"f": Counted(rows, rows=rows, missing=missing, forecasts=Forecasts(rows=rows, **words))}

    limits = Limits(drift=0, missing=0)

    assert not any(verdict(chain(1000), chain(rows), limits) for rows in (100, 300, 1000) for _ in range(400))
