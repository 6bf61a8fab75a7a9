"""Peers: the serving tools of today, each with the same three steps, in an environment of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measuring.dialects import Dialect, one_path, rest, v1, v2
from measuring.environments import environment
from measuring.launch import Launch, launching
from measuring.place import Place, free_port
from measuring.servers import Server, start_router

CODE = Path(__file__).parent.parent / "peers"

#: Command, and how the peer is asked. PORT and GRPC are replaced; `python` and the like are the environment's.
COMMANDS: dict[str, tuple[str, Dialect]] = {
    "fastapi": ("uvicorn --host 127.0.0.1 --port PORT --no-access-log on_fastapi:app", rest),
    "litserve": ("python on_litserve.py", one_path),
    "bentoml": ("bentoml serve --host 127.0.0.1 --port PORT on_bentoml:Service", rest),
    "mlserver": ("mlserver start on_mlserver", v2),
    "ray": ("python on_ray.py", rest),
}


@contextmanager
def peer(place: Place, name: str) -> Iterator[Server]:
    """Start a peer that is one command."""
    text, dialect = COMMANDS[name]
    port = str(free_port())
    with launching(place, name) as launch:
        _start(launch, "", text.replace("PORT", port).split(), PEER_PORT=port, **_mlserver(place, port))
        yield Server(launch, f"http://127.0.0.1:{port}", dialect=dialect)


@contextmanager
def kserve(place: Place) -> Iterator[Server]:
    """Start three servers of KServe's SDK, and KServe's router before them."""
    with launching(place, "kserve") as launch:
        steps = {name: free_port() for name in ("features", "preprocess", "predict")}
        for name, port in steps.items():
            flags = ["--model_name", name, "--http_port", str(port), "--enable_grpc", "false"]
            _start(launch, name, ["python", "on_kserve.py", name, *flags], name="kserve")
        yield Server(launch, start_router(launch, _graph(steps)), dialect=v1)


def _start(launch: Launch, part: str, command: list[str], name: str = "", **variables: str) -> None:
    """Run a command of a peer's environment in the folder of the peers' code."""
    programs = environment(name or launch.name)
    own = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(CODE),
        "FEAST_USAGE": "False",
        "BENTOML_DO_NOT_TRACK": "True",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    launch.start(part, [programs / command[0], *command[1:]], cwd=CODE, **own, **variables)


def _mlserver(place: Place, port: str) -> dict[str, str]:
    """MLServer is told its ports by variables."""
    return {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": port,
        "MLSERVER_GRPC_PORT": str(free_port()),
        "MLSERVER_METRICS_PORT": str(free_port()),
        "MLSERVER_METRICS_DIR": str(place.work),
        "MLSERVER_ENVIRONMENTS_DIR": str(place.work),
        "MLSERVER_DEBUG": "false",
    }


def _graph(ports: dict[str, int]) -> dict:
    """An InferenceGraph over V1: entities go through the store first, rows begin at the preprocessor."""

    def step(name: str) -> dict:
        url = f"http://127.0.0.1:{ports[name]}/v1/models/{name}:predict"
        return {"name": name, "serviceUrl": url, "data": "$response", "dependency": "Hard"}

    def branch(name: str, condition: str) -> dict:
        return {"name": name, "nodeName": name, "condition": condition, "dependency": "Hard"}

    branches = [branch("entities", "instances.0.location_id"), branch("rows", "instances")]
    return {
        "nodes": {
            "root": {"routerType": "Switch", "steps": branches},
            "entities": {"routerType": "Sequence", "steps": [step("features"), step("preprocess"), step("predict")]},
            "rows": {"routerType": "Sequence", "steps": [step("preprocess"), step("predict")]},
        }
    }
