"""Table: what `twinpin history` prints: the periods of a release, or the moves that the registry recorded."""

import datetime as dt
from collections.abc import Iterator, Sequence

from twinpin.pair.history import Move
from twinpin.rollout.resource import Period

#: What stands where nobody is known.
NOBODY = "-"


def periods(history: Sequence[Period]) -> Iterator[str]:
    """Write which pair served when, the newest first."""
    yield from _rows(("PAIR", "FROM (UTC)", "TO (UTC)", "MOVED BY", "OUTCOME"), [_period(each) for each in history])


def moves(history: Sequence[Move]) -> Iterator[str]:
    """Write who moved the alias, the newest move first."""
    yield from _rows(("PAIR", "BEFORE", "MOVED (UTC)", "MOVED BY", "COMMAND"), [_move(each) for each in history])


def _period(period: Period) -> tuple[str, ...]:
    """Write one period; the pair is what `twinpin rollback --to` takes."""
    outcome = f"{period.outcome}: {period.reason}" if period.reason else period.outcome
    end = _time(period.end) if period.end else "now"
    return period.pair, _time(period.start), end, period.moved_by or NOBODY, outcome


def _move(move: Move) -> tuple[str, ...]:
    """Write one move."""
    return move.after.label, move.before.label, _time(move.at), move.owner, move.verb


def _time(time: dt.datetime) -> str:
    """Write a time to the second."""
    return f"{time.astimezone(dt.UTC):%F %T}"


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lay rows out in columns; the last one is as long as it is."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)][:-1]
    for row in (head, *rows):
        yield "  ".join([*(word.ljust(width) for word, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
