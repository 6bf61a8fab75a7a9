"""The load itself, run by a pod from the gateway's image: asks without end, and prints each answer that it gets.

/etc/load/plan.json says what to ask; SIGTERM ends it. Nothing is judged here. Each line of its output is one JSON
document: `asked`, a list of [time of day, seconds, number of the question, number of the answer], and `answers`, those
that are new by their numbers, each [status, stamp, forecast, text of a failure].
"""

import asyncio
import base64
import contextlib
import itertools
import json
import pathlib
import signal
import struct
import sys
import time

import aiohttp
import grpc

from twinpin.step.protocol import MODEL_INFER, SealedResponse, response_message

PLAN = pathlib.Path("/etc/load/plan.json")
HEAD = "Inference-Header-Content-Length"
#: Seconds between two lines of output.
EVERY = 1.0
#: Characters of a failure that are told.
TOLD = 300


class Record:
    """What was asked and answered since the last line; equal answers are written once."""

    def __init__(self):
        self.numbers = {}
        self.asked, self.new = [], {}

    def add(self, begun, question, answer):
        """Take one answer down."""
        key = json.dumps(answer)
        if key not in self.numbers:
            self.numbers[key] = len(self.numbers)
            self.new[self.numbers[key]] = answer
        self.asked.append([round(begun, 3), round(time.time() - begun, 3), question, self.numbers[key]])

    def tell(self):
        """Print a line."""
        sys.stdout.write(json.dumps({"asked": self.asked, "answers": self.new}) + "\n")
        sys.stdout.flush()
        self.asked, self.new = [], {}


class Load:
    """Clients that ask at the same time."""

    def __init__(self, plan):
        self.plan = plan
        self.record = Record()
        self.over = asyncio.Event()

    async def run(self):
        """Ask until SIGTERM; a request that is under way is waited for."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.over.set)
        telling = asyncio.create_task(self.tell())
        await asyncio.gather(*map(self.client, range(self.plan["clients"])))
        telling.cancel()
        self.record.tell()

    async def tell(self):
        """Print what was asked, again and again."""
        while True:
            await asyncio.sleep(EVERY)
            self.record.tell()

    async def client(self, number):
        """Ask one request after another: every other client keeps its connections, the rest open one for each."""
        kept = number % 2 == 0
        questions = list(enumerate(self.plan["questions"]))
        # Clients begin at different times with different questions, so that all kinds are under way at any time.
        await asyncio.sleep(number * self.plan["period"] / self.plan["clients"])
        async with contextlib.AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.session(kept=kept))
            channels = {}
            for place, question in itertools.islice(itertools.cycle(questions), number % len(questions), None):
                if self.over.is_set():
                    return
                begun = time.time()
                if question["form"] == "grpc":
                    answer = await self.ask_grpc(question, channels if kept else {}, stack if kept else None)
                else:
                    answer = await self.ask_http(question, session)
                self.record.add(begun, place, answer)
                await asyncio.sleep(max(self.plan["pause"], begun + self.plan["period"] - time.time()))

    def session(self, *, kept):
        """Open a client of HTTP."""
        connector = aiohttp.TCPConnector(keepalive_timeout=60) if kept else aiohttp.TCPConnector(force_close=True)
        return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=self.plan["timeout"]))

    async def ask_http(self, question, session):
        """Ask once over HTTP; anything but 200 is a failure."""
        body = base64.b64decode(question["body"])
        try:
            async with session.post(question["url"], data=body, headers=question["headers"]) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return [type(error).__name__, "", [], str(error)[:TOLD]]
        if answer.status != 200:
            return [str(answer.status), "", [], content.decode(errors="replace")[:TOLD]]
        return ["200", *READERS[question["form"]](content, answer.headers), ""]

    async def ask_grpc(self, question, channels, stack):
        """Ask once over gRPC, on a channel of *channels* that *stack* closes, or on one for this request alone."""
        async with contextlib.AsyncExitStack() as own:
            address = question["url"]
            if address not in channels:
                channels[address] = await (stack or own).enter_async_context(grpc.aio.insecure_channel(address))
            call = channels[address].unary_unary(MODEL_INFER, response_deserializer=SealedResponse.FromString)
            try:
                answer = await call(base64.b64decode(question["body"]), timeout=self.plan["timeout"])
            except grpc.aio.AioRpcError as error:
                return [error.code().name, "", [], str(error.details())[:TOLD]]
        message = response_message(answer)
        (forecast,) = message.tensors.values()
        return ["200", message.parameters["pair"], forecast.ravel().tolist(), ""]


def plain(content, _):
    """Read the stamp and the forecast of `/predict` and `/predict/feast`."""
    document = json.loads(content)
    found = document["prediction"] if "prediction" in document else list(document["predictions"].values())
    return document["pair"]["id"], flat(found)


def protocol(content, _):
    """Read those of the protocol's JSON."""
    document = json.loads(content)
    return document["parameters"]["pair"], flat(document["outputs"][0]["data"])


def binary(content, headers):
    """Read those of its binary extension."""
    length = int(headers[HEAD])
    document, raw = json.loads(content[:length]), content[length:]
    return document["parameters"]["pair"], [value for (value,) in struct.iter_unpack("<f", raw)]


def flat(values):
    """Flatten nested lists."""
    return [each for value in values for each in flat(value)] if isinstance(values, list) else [values]


READERS = {"plain": plain, "protocol": protocol, "binary": binary}


if __name__ == "__main__":
    asyncio.run(Load(json.loads(PLAN.read_text())).run())
