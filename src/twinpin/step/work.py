"""Work: something that is done in a thread of its own while the start goes on, and does not keep the process alive."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Work(Generic[T]):
    """Begins when it is made; a daemon thread, so that Ctrl-C ends the start and does not wait for it."""

    def __init__(self, do: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        threading.Thread(target=self._run, args=(do,), daemon=True).start()

    def result(self) -> T:
        """Wait for its end; raises what it raised."""
        return self._future.result()

    def _run(self, do: Callable[[], T]) -> None:
        """Do it, and keep what comes of it."""
        try:
            self._future.set_result(do())
        except BaseException as error:  # noqa: BLE001 -- raised where the result is asked for
            self._future.set_exception(error)
