"""Bodies that a page shows do what it says of them."""

import json

from documents import ROOT, blocks

from twinpin.gateway.timeseries.request import parse


def test_the_series_of_the_page_are_read_as_it_says():
    """A month after the last value, by the calendar."""
    (shown,) = (block for block in blocks(ROOT / "docs" / "your-own-pair.md") if block.language == "json")
    request = parse(json.dumps(json.loads(shown.text)).encode(), limit=10)
    (series,) = request.series

    assert (request.model, request.horizon, series.name) == ("forecast", 3, "7")
    assert series.values.tolist() == [210, 190, 230, 250]
    assert series.following.isoformat() == "2026-01-30T00:00:00+00:00"
