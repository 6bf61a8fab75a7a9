"""Ask a gateway for forecasts, and require that every answer carries the stamp of the Pin.

Where a controller may change the pair there is no one Pin to compare with: then each answer must carry a whole stamp.

The environment says where: GATEWAY, MODEL, REQUEST (a body for /predict), ENTITIES (a JSON list), PATIENCE (seconds
for which a gateway that cannot serve yet is asked again); PIN names the file of the Pin, or is empty. `helm test` runs
it in a pod, so it needs nothing but Python.
"""
# ruff: noqa: INP001, S310, T201 -- a script that runs alone, asks where it is told to, and prints what it found

import json
import os
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any


class Wrong(Exception):
    """What is not as it should be, as a sentence."""


class NotYet(Wrong):
    """What time may mend: a gateway that is not there, or whose steps are not."""


def ask(path: str, body: str | None = None) -> Any:
    """Return the gateway's answer; raises Wrong for an error."""
    headers = {"content-type": "application/json"}
    data = None if body is None else body.encode()
    request = urllib.request.Request(os.environ["GATEWAY"] + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        kind = NotYet if error.code == HTTPStatus.SERVICE_UNAVAILABLE else Wrong
        raise kind(f"{path} answered {error.code}: {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise NotYet(f"{path} cannot be reached: {error}") from error


def await_health() -> None:
    """Return when the gateway can serve, or raise what kept it from that."""
    deadline = time.monotonic() + float(os.environ["PATIENCE"])
    while not _healthy(last=time.monotonic() > deadline):
        time.sleep(1)


def _healthy(*, last: bool) -> bool:
    """Ask once; the *last* time, what keeps it from serving is raised."""
    try:
        ask("/health")
    except NotYet:
        if last:
            raise
        return False
    return True


def require_pair(path: str, found: Any, pin: Any) -> None:
    """Raise Wrong unless the pair of an answer is the pinned one, id and both versions; without a Pin, a whole one."""
    if pin is None:
        require_whole(path, found)
        return
    wanted = {
        "id": pin["id"],
        "preprocessor_version": pin["preprocessor"]["version"],
        "model_version": pin["model"]["version"],
    }
    if found != wanted:
        raise Wrong(f"{path} was answered by the pair {found}, but the Pin says {wanted}")
    print(f"{path}: pair {pin['id']}")


def require_whole(path: str, found: Any) -> None:
    """Raise Wrong unless a stamp's id is that of both its versions."""
    named = f"p{found['preprocessor_version']}-m{found['model_version']}-" if found and found["id"] else None
    if named is None or not found["id"].startswith(named):
        raise Wrong(f"{path} was answered by {found}, which is no whole pair")
    print(f"{path}: pair {found['id']}")


def require_forecast(path: str, body: str, pin: Any) -> None:
    """Raise Wrong unless a request gets numbers from one pair, the pinned one."""
    answer = ask(path, body)
    if not (answer.get("prediction") or answer.get("predictions")):
        raise Wrong(f"{path} answered without a forecast: {answer}")
    require_pair(path, answer["pair"], pin)


def require_version(path: str, pin: Any) -> None:
    """Raise Wrong unless the metadata names the pinned version; without a Pin, any."""
    named = ask(path).get("versions") or []
    if not named or (pin and pin["model"]["version"] not in named):
        raise Wrong(f"{path} names the versions {named}, but the Pin says {pin and pin['model']['version']}")
    print(f"{path}: version {pin['model']['version'] if pin else named[0]}")


def main() -> None:
    """Ask everything that the environment names."""
    pin = json.loads(Path(os.environ["PIN"]).read_text(encoding="utf-8")) if os.environ["PIN"] else None
    await_health()
    require_version(f"/v2/models/{os.environ['MODEL']}", pin)
    if os.environ["REQUEST"]:
        require_forecast("/predict", os.environ["REQUEST"], pin)
    if entities := json.loads(os.environ["ENTITIES"]):
        require_forecast("/predict/feast", json.dumps({"time_point": "now", "entities": entities}), pin)
    if pin:  # a controller's rollouts are all asked how they are, so the pair named there may be one kept or to come
        require_pair("/health", ask("/health")["pair"], pin)


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"error: {error}")
