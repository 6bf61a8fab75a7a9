"""A small real step for tests of the servers: what it does is chosen by the request's parameter `mode`."""

import asyncio
import sys
import threading
import time
from pathlib import Path

import numpy as np

from twinpin.settings import entries
from twinpin.step.errors import Impossible, PairMismatch, Unavailable
from twinpin.step.settings import Settings
from twinpin.step.step import Answer, TensorSpec


def burn(seconds):
    """Keep the interpreter busy, as badly behaved CPU work does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


class EchoStep:
    """Answers with its inputs, after doing what the parameter `mode` says.

    With *folder*, the file `down` there makes it not ready, and `closed` is written when it is closed.
    """

    name = "echo"
    versions = ("7", "p3-m7-abc123")
    platform = "test_echo"
    inputs = (TensorSpec("x", "FP32", (-1, 2)),)
    outputs = (TensorSpec("x", "FP32", (-1, 2)),)

    def __init__(self, folder=None):
        self.folder = folder
        self.threads = set()
        self.done = []
        self.loads = 0

    def load(self):
        """Count loads: a server must never ask for one."""
        self.loads += 1

    def run(self, tensors, context):
        """Do one request."""
        self.threads.add(threading.current_thread().name)
        mode = context.parameters.get("mode", "echo")
        if mode == "slow":
            burn(float(context.parameters.get("seconds", 3)))
        elif mode == "sleep":
            time.sleep(float(context.parameters["seconds"]))
        elif mode == "bug":
            raise ZeroDivisionError("secret://10.0.0.1/path of the store")
        elif mode == "timeout":
            raise TimeoutError("a store's own timeout")
        elif mode == "impossible":
            raise Impossible("there is no forecast for this; ask for another")
        elif mode == "mismatch":
            raise PairMismatch("made by another pair; send it again through the graph")
        elif mode == "down":
            raise Unavailable("the store is down; try again", retry_after=2.5)
        elif mode == "nan":
            tensors = {name: np.full_like(array, np.nan) for name, array in tensors.items()}
        elif mode == "strange":
            return {"not": "an answer"}
        self.done.append(context.id)
        return Answer(tensors, {"pair": "p3-m7-abc123"})

    async def check(self):
        """Refuse while the file is there."""
        if self.folder is not None and (self.folder / "down").exists():
            raise Unavailable("the store is down; try again")

    async def close(self):
        """Leave a mark."""
        if self.folder is not None:
            (self.folder / "closed").write_text(str(self.loads))


class WaitingStep(EchoStep):
    """The same as a coroutine; the mode `wait` waits until the event is set."""

    def __init__(self, event=None):
        super().__init__()
        self.event = event
        self.cancelled = 0

    async def run(self, tensors, context):
        """Do one request."""
        if context.parameters.get("mode") == "wait":
            try:
                await self.event.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return EchoStep.run(self, tensors, context)


def main(folder, *settings):
    """Serve the step as a container does."""
    from twinpin.step.server import serve_step  # noqa: PLC0415 -- only a server's own process imports kserve

    kinds = {entry.field: type(entry.default) for entry in entries(Settings)}
    given = dict(setting.split("=") for setting in settings)
    values = {key: kinds[key](value) if kinds[key] is not type(None) else value for key, value in given.items()}
    serve_step(EchoStep(Path(folder)), Settings(**values))


if __name__ == "__main__":
    main(*sys.argv[1:])
