"""A Redis that stands still now and then, as one does whose machine has too much to do."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def slow_store(world, seconds):
    """Let Redis answer nobody for so many seconds, again and again while the block runs."""
    over = threading.Event()
    pause = "exec", "deploy/redis", "--", "redis-cli", "client", "pause", str(round(1000 * seconds))

    def stand_still():
        while not over.is_set():
            world.home.kubectl(*pause)
            over.wait(seconds)  # another pause in this one would make it longer

    with ThreadPoolExecutor(1) as pool:
        still = pool.submit(stand_still)
        try:
            yield
        finally:
            over.set()
        still.result()
