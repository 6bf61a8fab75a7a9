"""Values that a page tells a reader to write are the chart's."""

import pytest
import yaml
from documents import DOCUMENTS, ROOT, blocks

KEYS = set(yaml.safe_load((ROOT / "helm" / "twinpin" / "values.yaml").read_text()))
SHOWN = [
    block
    for page in DOCUMENTS
    for block in blocks(page)
    if block.language == "yaml" and KEYS.issuperset(yaml.safe_load(block.text))
]


def test_values_were_found():
    """A page of each kind shows some."""
    assert {"docs/kubernetes.md", "docs/your-own-pair.md", "docs/security.md"} <= {block.page for block in SHOWN}


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_values_that_a_page_shows_render(chart, block):
    """A whole file by itself, a part of one beside the values of an installation."""
    objects = chart.objects(None if block.file else "controller", yaml.safe_load(block.text))

    assert ("ConfigMap", "forecast-template") in objects
