"""Registering: what the demo leaves in a registry is a pair by Twinpin's own contract."""

import mlflow
import numpy as np
import pytest

from demo_forecast import offline, registering
from twinpin.pair.errors import Refused
from twinpin.pair.example import read_example
from twinpin.pair.resolve import resolve
from twinpin.pair.settings import Settings
from twinpin.pair.version import PAIR_TAG, Versions


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """An embedded registry, as the demo connects to it."""
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    registering.connect(uri, folder / "artifacts")
    return uri


@pytest.fixture(scope="module")
def versions(uri, trained):
    """Two pairs, the alias on the first."""
    both = [registering.register(trained, name) for name in ("first", "second")]
    registering.promote(uri, both[0])
    return both


def test_both_halves_come_from_one_run_and_carry_one_tag(versions):
    """The strongest evidence that they belong together."""
    client = mlflow.MlflowClient()
    names = (registering.PREPROCESSOR, registering.MODEL)
    halves = [client.get_model_version(name, version) for name, version in zip(names, versions[0], strict=True)]

    assert len({half.run_id for half in halves}) == 1
    assert {half.tags[PAIR_TAG] for half in halves} == {halves[0].run_id}


def test_the_errors_are_metrics_of_the_run(versions):
    """Whoever looks at the run sees what the model is worth."""
    version = mlflow.MlflowClient().get_model_version(registering.MODEL, versions[0].model)
    metrics = mlflow.get_run(version.run_id).data.metrics

    assert metrics == {"model_mae": 1.0, "model_rmse": 2.0, "last_value_mae": 3.0, "last_value_rmse": 4.0}


def test_the_alias_resolves_to_the_promoted_pair(uri, versions, tmp_path):
    """What `twinpin serve` does first."""
    pin = resolve(Settings(registry_uri=uri, tracking_uri=uri, pair_dir=tmp_path / "pair", resolve_deadline=10.0))

    assert (pin.preprocessor.version, pin.model.version) == tuple(versions[0])
    assert pin.evidence == "tag"


def test_halves_of_two_pairs_are_refused(uri, versions):
    """The second pair is there to try a promotion, not to mix."""
    first, second = versions

    with pytest.raises(Refused):
        registering.promote(uri, Versions(first.preprocessor, second.model))


def test_an_emptied_registry_is_noticed(versions):
    """A note on disk says that the pair is there; the registry knows."""
    assert registering.known(versions[0])
    assert not registering.known(Versions("99", "99"))


def test_the_offline_forecast_is_the_trained_pairs(versions, trained, measured):
    """What the demo compares with went through the registry, and came back the same."""
    loaded = offline.load(measured)
    expected = trained.model.predict(trained.preprocessor.transform(trained.example))

    assert np.array_equal(loaded.forecast(trained.example), expected)
    assert (loaded.preprocessor_version, loaded.model_version) == tuple(versions[0])


def test_the_offline_row_knows_nothing_after_its_hour(versions, measured):
    """A forecast as of the past must not see what came later."""
    loaded = offline.load(measured)
    time = measured[2].index[1000]
    row = loaded.row(2, time)

    assert row.index.tolist() == [time]
    assert row["temp_lag_00"].item() == measured[2].loc[time, "temp"]


def test_the_model_records_what_it_forecasts_for_a_few_rows(uri, versions, trained, tmp_path):
    """Whoever brings the pair live asks it for just that, first."""
    pin = resolve(Settings(registry_uri=uri, tracking_uri=uri, pair_dir=tmp_path / "pair", resolve_deadline=10.0))
    expected = trained.model.predict(trained.preprocessor.transform(trained.example))

    found = read_example(tmp_path / "pair" / "preprocessor", tmp_path / "pair" / "model")

    assert pin.model.version == versions[0].model
    assert set(found.data) == set(trained.example)
    assert np.allclose(found.prediction, expected.ravel())
