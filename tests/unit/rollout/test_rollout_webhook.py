"""A delivery counts where it is signed, fresh, new and about the alias; MLflow's own code signs here."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.webhooks.delivery import _generate_hmac_signature

from twinpin.rollout.metrics import OUTCOMES
from twinpin.rollout.webhook import ANSWERS, FRESH, REMEMBERED, Deliveries

SECRET = "between us"
NOW = 1_767_225_600


def event(name="sea_model", alias="live", entity="model_version_alias"):
    """What MLflow posts when an alias moves."""
    data = {"name": name, "alias": alias, "version": "7"}
    return json.dumps({"entity": entity, "action": "created", "timestamp": "2026-01-01", "data": data})


def headers(body, secret=SECRET, delivery="d1", timestamp=NOW):
    """What MLflow sends with it."""
    return {
        "x-mlflow-signature": _generate_hmac_signature(secret, delivery, str(timestamp), body),
        "x-mlflow-delivery-id": delivery,
        "x-mlflow-timestamp": str(timestamp),
    }


@pytest.fixture
def deliveries():
    """A judge who knows the secret."""
    return Deliveries(SECRET, frozenset({"sea_prep", "sea_model"}), "live", clock=lambda: float(NOW))


def test_every_outcome_is_counted_and_answered():
    """One table for each, of the same words."""
    assert set(OUTCOMES) == set(ANSWERS)


@pytest.mark.parametrize("name", ["sea_prep", "sea_model"])
def test_a_move_of_either_half_is_accepted(deliveries, name):
    """Whichever was written last completes the pair."""
    body = event(name)

    assert deliveries.judge(headers(body), body.encode()) == "accepted"


@pytest.mark.parametrize(
    "body",
    [event(name="other"), event(alias="champion"), event(entity="model_version")],
    ids=["name", "alias", "entity"],
)
def test_what_is_about_something_else_is_ignored(deliveries, body):
    """A registry has other models, aliases and events."""
    assert deliveries.judge(headers(body), body.encode()) == "ignored"


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '"text"', '{"entity": "model_version_alias", "data": 2}', "[" * 60_000]
)
def test_signed_nonsense_is_malformed(deliveries, body):
    """Whoever knows the secret may still send anything."""
    assert deliveries.judge(headers(body), body.encode()) == "malformed"


@pytest.mark.parametrize("missing", ["x-mlflow-signature", "x-mlflow-delivery-id", "x-mlflow-timestamp"])
def test_without_a_header_it_is_unsigned(deliveries, missing):
    """All three belong to the signature."""
    body = event()
    incomplete = {name: value for name, value in headers(body).items() if name != missing}

    assert deliveries.judge(incomplete, body.encode()) == "unsigned"


def test_another_secret_is_wrong(deliveries):
    """Nobody else may ask for looks."""
    body = event()

    assert deliveries.judge(headers(body, secret="guess"), body.encode()) == "wrong"


@given(at=st.integers(0, 400), flip=st.integers(1, 255))
def test_one_other_byte_anywhere_is_wrong(at, flip):
    """Body, id and time are all signed."""
    body = event()
    signed = headers(body)
    deliveries = Deliveries(SECRET, frozenset({"sea_model"}), "live", clock=lambda: float(NOW))
    raw = bytearray(body.encode())
    raw[at % len(raw)] ^= flip

    assert deliveries.judge(signed, bytes(raw)) == "wrong"
    assert deliveries.judge({**signed, "x-mlflow-delivery-id": "d2"}, body.encode()) == "wrong"
    assert deliveries.judge({**signed, "x-mlflow-timestamp": str(NOW + 1)}, body.encode()) == "wrong"


@given(text=st.text(st.characters(min_codepoint=1, max_codepoint=255)))
def test_whatever_stands_in_the_signature_is_judged(text):
    """A header may hold any byte."""
    deliveries = Deliveries(SECRET, frozenset(), "live", clock=lambda: float(NOW))
    given = {**headers(event()), "x-mlflow-signature": text}

    assert deliveries.judge(given, event().encode()) in {"unsigned", "wrong"}


@given(delivery=st.text(st.characters(min_codepoint=1, max_codepoint=255), min_size=1))
def test_whatever_stands_in_the_id_is_judged(delivery):
    """Headers come as Latin-1."""
    deliveries = Deliveries(SECRET, frozenset(), "live", clock=lambda: float(NOW))

    assert deliveries.judge({**headers(event()), "x-mlflow-delivery-id": delivery}, b"x") == "wrong"


@pytest.mark.parametrize(("age", "outcome"), [(FRESH, "accepted"), (FRESH + 1, "stale"), (-FRESH - 1, "stale")])
def test_a_delivery_goes_stale(deliveries, age, outcome):
    """A signature that was caught on its way is worth nothing later."""
    body = event()

    assert deliveries.judge(headers(body, timestamp=int(NOW - age)), body.encode()) == outcome


def test_a_signed_time_that_is_no_number_is_stale(deliveries):
    """It cannot be compared."""
    body = event()

    assert deliveries.judge(headers(body, timestamp="noon"), body.encode()) == "stale"


def test_the_same_delivery_counts_once(deliveries):
    """MLflow tries again where an answer was lost."""
    body = event()
    signed = headers(body)
    deliveries.judge(signed, body.encode())

    assert deliveries.judge(signed, body.encode()) == "repeated"


def test_one_of_several_signatures_is_enough(deliveries):
    """As the convention has it, while a secret changes."""
    body = event()
    signed = headers(body)
    both = f"v1,{base64.b64encode(b'x' * 32).decode()} {signed['x-mlflow-signature']}"

    assert deliveries.judge({**signed, "x-mlflow-signature": both}, body.encode()) == "accepted"


def test_what_is_remembered_is_bounded(deliveries):
    """The oldest ids are forgotten first."""
    body = event()
    for number in range(REMEMBERED + 1):
        deliveries.judge(headers(body, delivery=f"d{number}"), body.encode())

    assert deliveries.judge(headers(body, delivery=f"d{REMEMBERED}"), body.encode()) == "repeated"
    assert deliveries.judge(headers(body, delivery="d0"), body.encode()) == "accepted"
