"""Ask a gateway for forecasts, and require that every answer carries the stamp of the Pin.

The environment says where: GATEWAY, MODEL, REQUEST (a body for /predict), ENTITIES (a JSON list); the Pin is a file.
`helm test` runs it in a pod, so it needs nothing but Python.
"""

import json
import os
import sys
import urllib.error
import urllib.request

PIN = "/etc/twinpin/pin.json"


class Wrong(Exception):
    """What is not as it should be, as a sentence."""


def ask(path: str, body: str | None = None) -> dict:
    """Return the gateway's answer; an answer that is an error is Wrong."""
    request = urllib.request.Request(
        os.environ["GATEWAY"] + path,
        data=None if body is None else body.encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Wrong(f"{path} answered {error.code}: {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise Wrong(f"{path} cannot be reached: {error}") from error


def require_pair(path: str, found: dict, pin: dict) -> None:
    """The pair of an answer is the pinned one, id and both versions."""
    wanted = {
        "id": pin["id"],
        "preprocessor_version": pin["preprocessor"]["version"],
        "model_version": pin["model"]["version"],
    }
    if found != wanted:
        raise Wrong(f"{path} was answered by the pair {found}, but the Pin says {wanted}")
    print(f"{path}: pair {pin['id']}")


def require_forecast(path: str, body: str, pin: dict) -> None:
    """A request gets numbers, from the pinned pair."""
    answer = ask(path, body)
    if not (answer.get("prediction") or answer.get("predictions")):
        raise Wrong(f"{path} answered without a forecast: {answer}")
    require_pair(path, answer["pair"], pin)


def main() -> None:
    """Ask everything that the environment names."""
    with open(PIN, encoding="utf-8") as file:
        pin = json.load(file)
    model = os.environ["MODEL"]
    if model_versions := ask(f"/v2/models/{model}").get("versions"):
        if pin["model"]["version"] not in model_versions:
            raise Wrong(f"/v2/models/{model} names the versions {model_versions}, but the Pin says {pin['model']['version']}")
    if os.environ["REQUEST"]:
        require_forecast("/predict", os.environ["REQUEST"], pin)
    if entities := json.loads(os.environ["ENTITIES"]):
        require_forecast("/predict/feast", json.dumps({"time_point": "now", "entities": entities}), pin)
    require_pair("/health", ask("/health")["pair"], pin)


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"error: {error}")
