"""A line to MLflow that lets a byte through now and then, as one does that is as good as gone and says nothing."""

import contextlib

from cluster_images import image
from cluster_pods import config_map, deployment, pod_spec, resources
from cluster_stores import MLFLOW_PORT

NAME, BEHIND = "slow-line", "mlflow-behind-the-line"
#: Seconds for each byte that MLflow says.
PAUSE = 1
_SCRIPT = f"""
import asyncio


async def pass_on(reader, writer, number, pause):
    while data := await reader.read(number):
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)
    writer.close()


async def serve(reader, writer):
    back, forth = await asyncio.open_connection("{BEHIND}", {MLFLOW_PORT})
    await asyncio.gather(pass_on(reader, forth, 65536, 0), pass_on(back, writer, 1, {PAUSE}))


async def main():
    await (await asyncio.start_server(serve, "0.0.0.0", {MLFLOW_PORT})).serve_forever()


asyncio.run(main())
"""


@contextlib.contextmanager
def slow_line(world):
    """Let whoever asks MLflow while the block runs wait for each byte; connections that were open are broken off."""
    home = world.home
    home.apply(*_objects())
    home.await_rollout(NAME)
    try:
        world.lead("mlflow", NAME)
        world.lose_registry()
        home.await_pods("mlflow", 0)
        home.scale("mlflow", 1)
        home.await_rollout("mlflow")
        yield
    finally:
        world.lead("mlflow", "mlflow")
        home.kubectl("delete", "deployment", NAME, "--wait=false")
        for pod in home.pods(NAME):
            home.delete_pod(pod["metadata"]["name"], force=True)
        home.kubectl("delete", "service", BEHIND)
        home.kubectl("delete", "configmap", NAME)
        world.start_registry()


def _objects():
    """Lay out the line, and the name that it knows MLflow by."""
    container = {
        "image": image("resolve"),
        "command": ["python", "/etc/line/line.py"],
        "readinessProbe": {"tcpSocket": {"port": MLFLOW_PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "line", "mountPath": "/etc/line"}],
        "resources": resources("10m", "64Mi"),
    }
    spec = pod_spec(container, volumes=[{"name": "line", "configMap": {"name": NAME}}])
    behind = {"selector": {"app": "mlflow"}, "ports": [{"port": MLFLOW_PORT}]}
    yield config_map(NAME, {"line.py": _SCRIPT})
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": BEHIND}, "spec": behind}
    yield deployment(NAME, spec)
