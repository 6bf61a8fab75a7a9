"""The chart's README tells of every value, as it is."""

from pathlib import Path

import yaml

import chart_docs

CHART = Path(__file__).parents[2] / "helm" / "twinpin"
TEXT = (CHART / "values.yaml").read_text()
LISTED = [*chart_docs.values(TEXT)]


def leaves(document, path=()):
    """List the paths below which no more keys stand."""
    if isinstance(document, dict) and document:
        for name, part in document.items():
            yield from leaves(part, (*path, name))
    else:
        yield path


def test_the_readme_is_made_from_the_values():
    """`hack/chart-docs` was run after the last change."""
    readme = (CHART / "README.md").read_text()

    assert chart_docs.page(readme) == readme


def test_every_value_has_a_comment_of_its_own_or_above():
    """A value nobody explains is one that nobody dares to set."""
    told = {each.path for each in LISTED}
    silent = [path for path in leaves(yaml.safe_load(TEXT)) if not any(path[: len(each)] == each for each in told)]

    assert silent == []


def test_comments_are_sentences():
    """Each ends in a full stop."""
    assert [each.path for each in LISTED if not each.meaning.endswith(".")] == []


def test_a_comment_goes_on_over_lines_and_ends_at_its_key():
    """What the tables are made of."""
    text = "# A remark.\n\na:\n  # -- First\n  # second.\n  b: 1\n  c: 2\n# -- Other.\nd: [x]\n"

    assert [*chart_docs.values(text)] == [
        chart_docs.Value(("a", "b"), 1, "First second."),
        chart_docs.Value(("d",), ["x"], "Other."),
    ]


def test_the_charts_versions_are_those_of_the_product():
    """Images are tagged by appVersion."""
    from twinpin.version import __version__  # noqa: PLC0415 -- nothing else here needs the product

    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert metadata["appVersion"] == __version__
    assert metadata["version"] == __version__
