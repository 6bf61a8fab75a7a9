"""Checking: each answer compared with the offline computation of the same pair, as a table."""

from collections.abc import Iterable

from grpc import RpcError

from demo_forecast.checks import Check
from demo_forecast.progress import table
from demo_forecast.questions import Differs

#: Largest difference from the offline forecast, in °F.
TOLERANCE = 1e-5


def run(checks: Iterable[Check]) -> bool:
    """Do all checks and print a table; True when every one holds."""
    rows: list[tuple[str, ...]] = [("request", "difference, °F", "result")]
    largest = 0.0
    for check in checks:
        difference, result = _outcome(check)
        largest = max(largest, difference or 0.0)
        rows.append((check.name, "" if difference is None else f"{difference:.1e}", result))
    failed = sum(row[-1] != "ok" for row in rows[1:])
    print(table(rows))
    print(f"{len(rows) - 1} checks, {failed} failed; largest difference {largest:.1e} °F, {TOLERANCE} °F allowed")
    return not failed


def _outcome(check: Check) -> tuple[float | None, str]:
    """Do one check; an answer that cannot even be read differs too."""
    try:
        difference = check.ask()
    except (Differs, RpcError, OSError, ValueError, KeyError, TypeError) as error:
        return None, f"FAILED: {type(error).__name__}: {error}"
    if difference is not None and not difference <= TOLERANCE:
        return difference, f"FAILED: more than {TOLERANCE} °F"
    return difference, "ok"
