"""Report: each figure stands beside the floor of the same work, and what was not measured is left empty."""

from measuring import report
from measuring.results import Results, load


def measured(cpu_ms):
    """One round of the two kinds that tell floors apart."""
    return [{f"{kind}/8": {"cpu_ms": value, "p50_ms": 1.0, "p99_ms": 2.0} for kind, value in cpu_ms.items()}]


def cells(table, label):
    """The cells of the row that begins with *label*."""
    row = next(line for line in table.splitlines() if line.startswith(f"| {label} |"))
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_windows_scalars_and_peers_are_held_against_their_own_floors():
    """A hundred windows against one packed value each; scalars against scalars."""
    results = Results(
        "",
        [8],
        {
            "floor": measured({"entity_1": 1.0, "entities_100": 4.0}),
            "floor_compact": measured({"entity_1": 1.0, "entities_100": 2.0}),
            "floor_scalars": measured({"entity_1": 2.0, "entities_100": 8.0}),
            "serve": measured({"entity_1": 3.0, "entities_100": 6.0}),
            "serve_scalars": measured({"entity_1": 3.0, "entities_100": 16.0}),
            "fastapi": measured({"entity_1": 30.0, "entities_100": 160.0}),
        },
    )
    table = report.cpu_table(results)

    assert cells(table, "serve") == ["", "3.00 (3.0x)", "", "6.00 (3.0x)"]
    assert cells(table, "serve_scalars") == ["", "3.00 (1.5x)", "", "16.00 (2.0x)"]
    assert cells(table, "fastapi") == ["", "30.00 (15.0x)", "", "160.00 (20.0x)"]


def test_without_the_floor_there_is_no_multiple():
    """`--servers fastapi` alone prints its own figures."""
    table = report.cpu_table(Results("", [8], {"fastapi": measured({"entity_1": 30.0})}))

    assert cells(table, "fastapi") == ["", "30.00", "", ""]


def test_a_figure_is_the_median_of_the_rounds_that_have_it():
    """One round on a busy machine moves nothing."""
    results = Results(
        "", [8], {"floor": [*measured({"entity_1": 1}), *measured({"entity_1": 90}), *measured({"entity_1": 2})]}
    )

    assert results.figure("floor", "entity_1/8", "cpu_ms") == 2


def test_a_run_that_is_cut_keeps_what_it_measured(tmp_path):
    """The file is whole after each server, and prints the same tables."""
    kept = tmp_path / "results.json"
    results = Results("on two cores", [8])
    results.add("floor", measured({"entity_1": 1.0})[0], kept)
    results.add("serve", measured({"entity_1": 2.0})[0], kept)

    assert report.report(load(kept)) == report.report(results)
    assert "2.00 (2.0x)" in report.report(load(kept))
