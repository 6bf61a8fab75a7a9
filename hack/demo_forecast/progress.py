"""Progress: a line when work begins that may take over two seconds, and what it took when it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Say what is being done, then for how long."""
    print(f"==> {what} ...", flush=True)
    begun = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - begun:.1f} s", flush=True)


def table(rows: list[tuple[str, ...]]) -> str:
    """Align columns with spaces; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
