"""The demo: from nothing to a served forecast, in the order in which a team would do it."""

import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import pandas as pd

from demo_forecast import checking, client, filling, offline, reaching, registering, serving, training, weather
from demo_forecast.checks import checks
from demo_forecast.place import Place, place
from demo_forecast.progress import stage, table
from demo_forecast.questions import Questions
from demo_forecast.rows import HORIZON
from demo_forecast.serving import Address
from twinpin.pair.errors import PairError
from twinpin.pair.version import Versions

REFILL_SECONDS = 3600


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Send one request of every kind, compare, and exit.")
@click.option("--redis", is_flag=False, flag_value="127.0.0.1:6379", metavar="URL", help="Redis as online store.")
@click.option("--mlflow-uri", metavar="URI", help="A running MLflow server as registry; default: SQLite.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port of REST and of the page.")
@click.option("--grpc-port", default=8081, show_default=True, help="Port of gRPC.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier demo made.")
def main(
    *, check: bool, redis: str | None, mlflow_uri: str | None, host: str, port: int, grpc_port: int, fresh: bool
) -> None:
    """Train a pair, register it, fill Feast and serve forecasts; state lies in ~/.cache/twinpin."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))  # unwinds, so that the server ends too
    address = Address(host, *serving.free_ports(host, 2)) if check else Address(host, port, grpc_port)
    here = place(mlflow_uri, redis)
    try:
        serving.require_free(address)
        require_servers(redis, mlflow_uri)
        if fresh:
            here.clear()
        measured = weather.read()
        have_pair(here, measured)
        filling.make_repository(here.features, redis)
        replayed, newest = refill(here, measured)
        if check:
            sys.exit(not checked(here, address, replayed, newest))
        serve(here, address, measured)
    except (serving.NotServing, reaching.NotReachable, training.NotBetter, PairError) as error:
        sys.exit(f"error: {error}")


def require_servers(redis: str | None, mlflow_uri: str | None) -> None:
    """Raise NotReachable where a server that the flags name is not there."""
    if redis is not None:
        reaching.require("Redis", redis, 6379)
    if mlflow_uri is not None and mlflow_uri.startswith("http"):
        reaching.require("MLflow server", mlflow_uri, 443 if mlflow_uri.startswith("https") else 80)


def have_pair(here: Place, measured: weather.Weather) -> None:
    """Train and register two pairs, unless an earlier demo did; the alias moves only then."""
    with stage(f"MLflow at {'a server' if here.mlflow_uri else here.registry}"):
        here.registry.mkdir(parents=True, exist_ok=True)
        registering.connect(here.registry_uri, here.artifacts)
    if here.registered.exists():
        note = json.loads(here.registered.read_text())
        if registering.known(Versions(*note["second"])):
            print(f"    reusing the pairs of an earlier demo (--fresh makes new ones)\n{note['errors']}")
            return
    with stage("Training on January to November 2013, two pairs"):
        first = training.train(measured, rounds=100, depth=3)
        second = training.train(measured, rounds=60, depth=3)
    with stage("Registering each pair in one run, alias on the first"):
        versions = [registering.register(pair, name) for pair, name in ((first, "first"), (second, "second"))]
        label = registering.promote(here.registry_uri, versions[0])
    errors = table(
        [("    December, 24 hours ahead", "MAE °F", "RMSE °F")]
        + [
            (f"    {name}", *(f"{value:.2f}" for value in asdict(error).values()))
            for name, error in first.errors.items()
        ]
    )
    print(f"{errors}\n    {registering.ALIAS} is on {label}")
    here.registered.write_text(json.dumps({"first": versions[0], "second": versions[1], "errors": errors}))


def refill(here: Place, measured: weather.Weather) -> tuple[weather.Weather, pd.Timestamp]:
    """Replay the weather up to the current hour, and write its windows to Feast."""
    replayed = weather.replay(measured, datetime.now(UTC))
    with stage(f"Filling Feast: the weather of December 2013 replayed, its newest hour is {newest_hour(replayed)}"):
        return replayed, filling.fill(here.features, replayed)


def newest_hour(replayed: weather.Weather) -> str:
    """Say up to when there is weather."""
    return f"{min(series.index[-1] for series in replayed.values()):%Y-%m-%d %H:00} UTC"


def checked(here: Place, address: Address, replayed: weather.Weather, newest: pd.Timestamp) -> bool:
    """Serve on free ports, and compare one answer of every kind."""
    with stage("Loading the pair with MLflow alone, to compare with"):
        expected = offline.load(replayed)
    with serving.serving(here, address):
        return checking.run(checks(Questions(address, expected, newest)))


def serve(here: Place, address: Address, measured: weather.Weather) -> None:
    """Serve until told to stop; each hour the weather moves on, as a team's hourly job would make it."""
    with serving.serving(here, address) as process:
        show(here, address)
        while process.poll() is None:
            try:
                process.wait(REFILL_SECONDS - time.time() % REFILL_SECONDS)
            except subprocess.TimeoutExpired:
                refill(here, measured)
            except KeyboardInterrupt:
                break
    sys.exit(process.returncode)


def show(here: Place, address: Address) -> None:
    """Print a forecast and the lines that ask for more."""
    everywhere = {"entities": list(weather.AIRPORTS), "entity_key": filling.ENTITY_KEY, "time_point": "now"}
    answer = client.send(address, "POST", "/predict/feast", json.dumps(everywhere).encode()).json()
    print(f"\nTemperature of the next {HORIZON} hours in °F, by pair {answer['pair']['id']}:")
    for location, values in answer["predictions"].items():
        print(f"  {location} {weather.AIRPORTS[int(location)]}  " + " ".join(f"{value:.0f}" for value in values))
    base = f"http://{address.host}:{address.port}"
    past = pd.Timestamp.now("UTC").floor("h") - pd.Timedelta(hours=100)
    questions: dict[str, dict[str, object]] = {
        "the next 24 hours of one airport": {"entities": [1], "entity_key": filling.ENTITY_KEY, "time_point": "now"},
        "as it was known 100 hours ago": {"entities": [2], "time_point": f"{past:%Y-%m-%dT%H:00Z}"},
        "all three, from one read of the store": dict(everywhere),
    }
    print("\nTry:")
    for what, body in questions.items():
        print(f"  # {what}\n  curl -s {base}/predict/feast -H 'content-type: application/json' -d '{json.dumps(body)}'")
    print(f"  curl -s {base}/health\n\nThe page:  {base}/")
    print(f"The second pair is registered too; the server takes it at its next start after:\n  {promotion(here)}")
    print("Ctrl-C ends the demo.", flush=True)


def promotion(here: Place) -> str:
    """Write the command that moves the alias to the second pair."""
    preprocessor, model = json.loads(here.registered.read_text())["second"]
    program = shlex.quote(str(Path(sys.executable).with_name("twinpin")))
    versions = f"--preprocessor-version {preprocessor} --model-version {model}"
    return f"{program} promote --registry-uri {shlex.quote(here.registry_uri)} {versions}"


if __name__ == "__main__":
    main(prog_name="hack/demo")
