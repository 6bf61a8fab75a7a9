"""A storageUri names one half of a pair and the other half that it must belong to."""

import pytest

from twinpin.pair.storage_uri import FORMS, BadUri, StorageUri


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mlflow://pre@production?pair=model", StorageUri("pre", "model", alias="production")),
        ("mlflow://pre/12?pair=model/7", StorageUri("pre", "model", version="12", other_version="7")),
        (
            "mlflow://model@v2.1?pair=pre&role=model",
            StorageUri("model", "pre", alias="v2.1", role="model"),
        ),
        ("mlflow://shop.demand.pre@a?pair=shop.demand.model", StorageUri("shop.demand.pre", "shop.demand.model", "a")),
        ("mlflow://my%20pre@a?pair=my%20model", StorageUri("my pre", "my model", "a")),
    ],
)
def test_what_is_accepted(text, expected):
    """By alias, or both halves by version; names as MLflow takes them."""
    assert StorageUri.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3://bucket/model", "begins otherwise"),
        ("models:/pre@production", "begins otherwise"),
        ("mlflow://pre@production", "with which other half"),
        ("mlflow://pre@production?pair=", "with which other half"),
        ("mlflow://pre?pair=model", "in one of two ways"),
        ("mlflow://pre@?pair=model", "in one of two ways"),
        ("mlflow://@a?pair=model", "in one of two ways"),
        ("mlflow://pre@a/b?pair=model", "in one of two ways"),
        ("mlflow://pre@production?pair=model/7", "in one of two ways"),
        ("mlflow://pre@production?pair=model@staging", "in one of two ways"),
        ("mlflow://pre/12?pair=model", "in one of two ways"),
        ("mlflow://pre/latest?pair=model/7", "in one of two ways"),
        ("mlflow://pre@a?pair=pre", "one registered model twice"),
        ("mlflow://pre/1?pair=pre/2", "one registered model twice"),
        ("mlflow://pre@a?pair=model&role=server", "neither preprocessor nor model"),
        ("mlflow://pre@a?pair=model&roll=model", "'roll', which means nothing"),
    ],
)
def test_what_is_refused_names_the_right_forms(text, why):
    """A typo must not be taken for something near it."""
    with pytest.raises(BadUri, match=why) as caught:
        StorageUri.parse(text)

    assert all(form in str(caught.value) for form in FORMS)


def test_two_halves_of_one_pair_ask_for_the_same():
    """So that one look at the alias serves both."""
    halves = [StorageUri.parse(f"mlflow://{one}@a?pair={other}") for one, other in (("p", "m"), ("m", "p"))]
    numbers = [StorageUri.parse(f"mlflow://{one}?pair={other}") for one, other in (("p/1", "m/2"), ("m/2", "p/1"))]

    assert halves[0].both == halves[1].both
    assert numbers[0].both == numbers[1].both
    assert len({halves[0].both, numbers[0].both, StorageUri.parse("mlflow://p/2?pair=m/1").both}) == 3
