"""The page in a real browser: what is drawn, at which width, in which colours, and that nothing fails."""

import re

import pytest
from chromium import chromium, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no chromium on PATH"),
]

READY = "document.body?.dataset.ready === 'true'"
LINE = "document.querySelector('#chart .{}').getAttribute('d')"


@pytest.fixture(scope="module")
def open_tab(tmp_path_factory):
    """One browser for all."""
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def page(server, open_tab):
    """The page of the default entity, drawn."""
    tab = open_tab(server.url)
    tab.wait(READY)
    return tab


def count_points(path):
    """Count the points of a line."""
    return len(re.findall("[ML]", path))


def test_it_shows_the_graph_and_the_pair(page):
    """As the document and the server have them."""
    nodes = page.evaluate("[...document.querySelectorAll('[data-node]')].map(each => each.dataset.node)")
    steps = page.evaluate("[...document.querySelectorAll('.node li b')].map(each => each.textContent)")
    edges = page.evaluate("document.querySelectorAll('#graph > svg > path').length")

    assert nodes == ["root", "from-entities", "from-data"]
    assert {"features", "preprocess", "predict"} <= set(steps)
    assert edges == page.evaluate("document.querySelectorAll('[data-to]').length") == 6
    assert page.evaluate("document.querySelector('#pair').textContent") == "p7-m12-3fa9c1"
    assert page.evaluate("document.querySelector('#status').textContent") == "serving"


def test_it_draws_the_default_entitys_history_and_forecast_over_time(page):
    """Eight hours stored, four ahead, and the last stored one joins them."""
    assert count_points(page.evaluate(LINE.format("history"))) == 8
    assert count_points(page.evaluate(LINE.format("forecast"))) == 5
    assert "12:00" in page.evaluate("[...document.querySelectorAll('#chart .time')].map(each => each.textContent)")


def test_it_shows_the_time_per_step(page):
    """From the request that drew the chart."""
    rows = page.evaluate("[...document.querySelectorAll('#latency tr')].map(each => each.textContent)")

    assert any(re.match(r"from-data / predict\d+[\d.]+ ms[\d.]+ ms$", row) for row in rows), rows


def test_another_entity_can_be_asked_for_and_an_unknown_one_is_named(page):
    """By the form; the error is the server's own sentence."""
    ask = "document.querySelector('#entity').value = '{}'; document.querySelector('#ask').requestSubmit()"
    page.evaluate(ask.format("3"))
    page.wait("drawn?.entity === '3' && document.querySelector('#note').textContent.includes('Newest row')")
    page.evaluate(ask.format("99"))
    page.wait("document.querySelector('#note').textContent.includes('99')")

    assert page.evaluate("document.querySelector('#chart').children.length") == 0


def test_text_from_outside_is_never_markup(server, open_tab):
    """An entity that looks like markup stays text."""
    tab = open_tab(f"{server.url}/?entity=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    tab.wait(READY)

    assert tab.evaluate("document.querySelectorAll('img').length") == 0
    assert "<img" in tab.evaluate("document.querySelector('#note').textContent")


def test_nothing_comes_from_elsewhere_and_nothing_fails(server, page):
    """No request leaves the server, no script throws, and the policy blocks nothing."""
    page.evaluate("1")

    assert all(each.startswith((server.url, "data:")) for each in page.requests), page.requests
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_it_fits_the_width(server, open_tab, width):
    """No sideways scrolling on a phone."""
    tab = open_tab(server.url, width=width)
    tab.wait(READY)

    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_it_follows_the_colour_scheme(page):
    """Dark on light, or light on dark."""
    ground = "getComputedStyle(document.body).backgroundColor"
    colours = []
    for scheme in ("light", "dark"):
        page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        colours.append(page.evaluate(ground))

    assert colours == ["rgb(246, 247, 249)", "rgb(17, 22, 29)"]
