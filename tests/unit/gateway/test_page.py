"""The page: one file that loads nothing from elsewhere, and the two documents behind it."""

import base64
import hashlib
import re

import pytest
from small_steps import PAIR, SmallGraph, client_of, expected, stored


async def test_the_page_allows_its_own_script_and_style_and_nothing_else(client):
    """The policy names both by digest, so that an injected script does not run."""
    response = await client.get("/")
    policy = response.headers["content-security-policy"]
    digests = {
        tag: base64.b64encode(
            hashlib.sha256(re.findall(f"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)[0].encode()).digest()
        )
        for tag in ("script", "style")
    }

    assert response.headers["content-type"].startswith("text/html")
    assert policy.startswith("default-src 'none'")
    assert all(f"{tag}-src 'sha256-{digest.decode()}'" in policy for tag, digest in digests.items())
    assert "unsafe" not in policy


async def test_the_page_names_no_outside_asset(client):
    """It works where there is no internet. The one address is the name of SVG itself."""
    text = (await client.get("/")).text

    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(
        r"<(script|img|iframe)[^>]+src=|<link[^>]+stylesheet|@import|url\(", text.replace("url(#tip)", "")
    )


async def test_state_shows_the_graph_as_it_is_without_its_addresses(client):
    """Nodes and steps are the document's own."""
    state = (await client.get("/page/state")).json()
    nodes = {each["name"]: each for each in state["graph"]["nodes"]}

    assert next(iter(nodes)) == "root"
    assert nodes["root"]["kind"] == "Switch"
    assert [each["target"] for each in nodes["from-data"]["steps"]] == ["preprocess", "predict"]
    assert (state["status"], state["pair"]["id"], state["entity_key"]) == ("ok", PAIR, "location_id")
    assert "http" not in str(state)


async def test_state_shows_how_long_each_step_took(client):
    """From the executor's own timings."""
    before = (await client.get("/page/state")).json()["latency"]
    await client.post("/predict", json={"data": {"temp": [[1, 2, 3]]}})
    after = {each["step"]: each for each in (await client.get("/page/state")).json()["latency"]}

    assert before == []
    assert after["predict"]["calls"] == 1
    assert 0 < after["predict"]["p50_ms"] <= after["predict"]["p99_ms"]


@pytest.mark.parametrize(("query", "location"), [("", 1), ("?entity=2", 2)])
async def test_history_gives_the_whole_window_and_its_forecast(client, query, location):
    """What the chart draws, from the features step and the graph."""
    found = (await client.get(f"/page/history{query}")).json()

    assert found["entity"] == str(location)
    assert found["series"] == {"temp": stored(location).tolist()}
    assert found["forecast"] == expected(stored(location)[-3:])
    assert (found["as_of"], found["resolution"], found["forecast_of"]) == ("2026-01-31T12:00:00Z", 3600, "temp")


async def test_history_of_an_unknown_entity_says_so(client):
    """The page shows the sentence."""
    response = await client.get("/page/history?entity=99")

    assert response.status_code == 422
    assert "99" in response.json()["error"]


async def test_a_page_without_a_store_has_no_chart():
    """There is no entity to ask for."""
    graph = SmallGraph(store=False)
    async with client_of(graph) as client:
        state = (await client.get("/page/state")).json()
        history = await client.get("/page/history")
    await graph.gateway.aclose()

    assert state["entity_key"] is None
    assert history.status_code == 404


async def test_a_series_that_is_not_there_falls_back_to_the_first():
    """A setting may outlive a feature's name."""
    graph = SmallGraph(page_series="gone")
    async with client_of(graph) as client:
        found = (await client.get("/page/history?entity=1")).json()
    await graph.gateway.aclose()

    assert found["forecast_of"] == "temp"
