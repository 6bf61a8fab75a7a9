"""The gateway shows the pair that serves, and follows a rollout behind it."""

from prometheus_client import REGISTRY
from small_steps import PAIR, STAMP

ROW = {"data": {"temp": [[1, 2, 3]]}}


def gauge(pair, model):
    """The info gauge of one pair."""
    labels = {"pair": pair, "preprocessor_version": "7", "model_version": model}
    return REGISTRY.get_sample_value("twinpin_pair_info", labels)


async def test_the_metrics_name_the_pair_that_answered_last(client, monkeypatch):
    """The one before is 0 from then on."""
    before = gauge(PAIR, "12")
    monkeypatch.setitem(STAMP, "pair", "p7-m13-000001")
    monkeypatch.setitem(STAMP, "model_version", "13")
    response = await client.post("/predict", json=ROW)
    health = (await client.get("/health")).json()

    assert before == 1
    assert (gauge(PAIR, "12"), gauge("p7-m13-000001", "13")) == (0, 1)
    assert response.headers["x-twinpin-pair"] == health["pair"]["id"] == "p7-m13-000001"
