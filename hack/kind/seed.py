"""Seed: the demo's pair in a registry, its weather in Redis, and the Feast repository as the cluster sees it."""

import shutil
from pathlib import Path

import click
import yaml

from demo_forecast import filling, weather
from demo_forecast.__main__ import have_pair, refill, require_servers
from demo_forecast.place import place

#: What a features pod reads of a Feast repository.
CONFIG, REGISTRY = "feature_store.yaml", "registry.db"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--mlflow-uri", required=True, metavar="URI", help="Registry, as this machine reaches it.")
@click.option("--redis", required=True, metavar="HOST:PORT", help="Online store, as this machine reaches it.")
@click.option("--redis-in-cluster", required=True, metavar="HOST:PORT", help="The same, as pods reach it.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the pods' repository.")
def main(*, mlflow_uri: str, redis: str, redis_in_cluster: str, out: Path) -> None:
    """Train and register the demo's pair, fill Redis, and write the Feast repository that pods mount."""
    here = place(mlflow_uri, redis)
    require_servers(redis, mlflow_uri)
    measured = weather.read()
    have_pair(here, measured)
    filling.make_repository(here.features, redis)
    refill(here, measured)
    write_repository(here.features, redis_in_cluster, out)


def write_repository(filled: Path, redis: str, out: Path) -> None:
    """Copy what serving reads: definitions are applied already, and a mounted ConfigMap has no folders."""
    out.mkdir(parents=True)
    document = yaml.safe_load((filled / CONFIG).read_text())
    shutil.copy(filled / document["registry"], out / REGISTRY)
    document["registry"] = REGISTRY
    document["online_store"] = {"type": "redis", "connection_string": filling.connection_string(redis)}
    (out / CONFIG).write_text(yaml.safe_dump(document, sort_keys=False))


if __name__ == "__main__":
    main(prog_name="hack/kind/seed.py")
