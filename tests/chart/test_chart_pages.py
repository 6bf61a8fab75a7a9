"""Values that a page tells a reader to write are the chart's."""

import pytest
import yaml
from documents import DOCUMENTS, blocks

SHOWN = [block for page in DOCUMENTS for block in blocks(page) if (block.file or "").endswith("values.yaml")]


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_values_that_a_page_shows_render(chart, block):
    """With the chart's own defaults for the rest."""
    objects = chart.objects(None, yaml.safe_load(block.text))

    assert ("ConfigMap", "forecast-template") in objects
