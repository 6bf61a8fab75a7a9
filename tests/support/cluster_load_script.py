"""The load itself, run by a pod from the gateway's image: asks without end, and counts every answer that was not right.

It needs Python and aiohttp alone. /etc/load/plan.json says what to ask; SIGTERM ends it, and the last line that it
prints is what it saw.
"""

import asyncio
import collections
import itertools
import json
import operator
import pathlib
import signal
import sys
import time

import aiohttp

PLAN = pathlib.Path("/etc/load/plan.json")
#: What is told of failures, so that the line stays short.
SHOWN = 20


class Load:
    """Clients that ask at the same time."""

    def __init__(self, plan):
        self.plan = plan
        self.begun = time.monotonic()
        self.statuses = collections.Counter()
        self.pairs = collections.Counter()
        self.failures = []
        self.longest = 0.0
        self.right = 0
        self.over = asyncio.Event()

    async def run(self):
        """Ask until SIGTERM; a request that is under way is waited for."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.over.set)
        clients = [self.client(kept=number % 2 == 0) for number in range(self.plan["clients"])]
        await asyncio.gather(*clients)
        return {
            "seconds": round(time.monotonic() - self.begun, 1),
            "right": self.right,
            "lost": sum(self.statuses.values()) - self.right,
            "statuses": dict(self.statuses),
            "pairs": dict(self.pairs),
            "longest": round(self.longest, 2),
            "lost_for": round(self.failures[-1]["at"] - self.failures[0]["at"], 1) if self.failures else 0.0,
            "failures": self.failures[:SHOWN],
        }

    async def client(self, *, kept):
        """Ask one request after another, on one connection that is kept, or on a new one for each."""
        connector = aiohttp.TCPConnector(keepalive_timeout=60) if kept else aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=self.plan["timeout"])
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            for question in itertools.cycle(self.plan["questions"]):
                if self.over.is_set():
                    return
                await self.ask(session, question)
                await asyncio.sleep(self.plan["pause"])

    async def ask(self, session, question):
        """Ask once, and judge the answer."""
        begun = time.monotonic()
        try:
            async with session.post(question["url"], json=question["body"]) as answer:
                status, text = str(answer.status), await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            status, text = type(error).__name__, str(error)
        self.longest = max(self.longest, time.monotonic() - begun)
        self.statuses[status] += 1
        fault = text if status != "200" else self.judge(question, json.loads(text))
        if not fault and status == "200":
            self.right += 1
            if self.right == 1:
                tell({"first": True})
        else:
            at = round(begun - self.begun, 2)
            self.failures.append({"at": at, "url": question["url"], "status": status, "told": fault[:300]})

    def judge(self, question, document):
        """Compare with the forecast that was worked out elsewhere; returns what is wrong."""
        if "outputs" in document:
            found, pair = document["outputs"][0]["data"], document["parameters"]["pair"]
        else:
            found, pair = document["prediction"], document["pair"]["id"]
        self.pairs[pair] += 1
        for label, wanted in question["forecasts"].items():
            if pair.startswith(label):
                right = len(found) == len(wanted) and max(map(abs, map(operator.sub, found, wanted))) < question["near"]
                return "" if right else f"forecast {found} of {pair} instead of {wanted}"
        return f"forecast of {pair}, which nobody expects"


def tell(document):
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


async def main(plan):
    """Run the load on the loop that it belongs to."""
    return await Load(plan).run()


if __name__ == "__main__":
    tell(asyncio.run(main(json.loads(PLAN.read_text()))))
