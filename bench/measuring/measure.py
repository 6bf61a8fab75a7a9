"""Measure Twinpin against the floors and the serving tools of today, in one run, and print the tables."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from measuring import environments, results
from measuring.picture import draw
from measuring.place import HOME, Place, redis
from measuring.report import report
from measuring.results import Results
from measuring.roster import GROUPS, PEERS, ROUTED, SERVERS, chosen
from measuring.rounds import Plan, measure_all


def main() -> None:
    """Parse the command line, make what is missing, measure, print."""
    arguments = _parser().parse_args()
    failures: dict[str, str] = {}
    if arguments.report:
        measured = results.load(arguments.report)
    else:
        measured, failures = run(arguments)
    print(report(measured))
    if arguments.picture:
        draw(measured, arguments.picture)
    if failures:
        raise SystemExit("\n".join(["left out of a round:", *(f"{name}, {why}" for name, why in failures.items())]))


def run(arguments: argparse.Namespace) -> tuple[Results, dict[str, str]]:
    """Measure the servers that were asked for; what is missing on the machine is said before any of them starts."""
    clients = [int(each) for each in arguments.clients.split(",")]
    names = chosen(arguments.servers)
    plan = Plan(names, arguments.rounds, arguments.seconds, clients, arguments.out)
    check_tools()
    router = arguments.router or (built_router() if ROUTED & set(names) else None)
    for name in names:
        if name in PEERS:
            environments.environment(name)
    measured = Results(results.about(plan.seconds), clients)
    if arguments.add and plan.out.exists():
        measured = results.load(plan.out)
    with redis(HOME) as address:
        place = Place(HOME / "work", address, router)
        make_fixture(place)
        failures = measure_all(place, plan, measured)
    return measured, failures


def check_tools() -> None:
    """Say which program is missing."""
    HOME.mkdir(parents=True, exist_ok=True)
    for tool in ("redis-server", "wrk"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing: apt-get install {tool}")


def built_router() -> Path:
    """Build KServe's router, or find it built, with hack/router; its last line is the path."""
    script = Path(__file__).parents[2] / "hack" / "router"
    done = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip().splitlines()[-1])


def make_fixture(place: Place, *options: str) -> None:
    """Train, register and fill: the store lives in memory, so each run fills it anew."""
    shutil.rmtree(place.work, ignore_errors=True)
    place.work.mkdir(parents=True)
    print("fixture: training the pair and filling the store (about 30 s)", file=sys.stderr)
    command = [sys.executable, "-P", str(Path(__file__).parent / "fixture.py"), *options]
    with (place.logs / "fixture.log").open("wb") as log:
        done = subprocess.run(command, cwd=place.work, env=place.environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise SystemExit(f"the fixture could not be made; see {place.logs}/fixture.log")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    groups, servers = ", ".join(GROUPS), ", ".join(SERVERS)
    parser.add_argument("--servers", default="own", help=f"which of: {servers}; or {groups}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each load")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--router", type=Path, help="KServe's router; default: what hack/router builds")
    parser.add_argument("--out", type=Path, default=HOME / "results.json", help="where the figures are kept")
    parser.add_argument("--add", action="store_true", help="add these rounds to those that --out has")
    parser.add_argument("--report", type=Path, help="print the tables of kept figures, and measure nothing")
    parser.add_argument("--picture", type=Path, help="draw the CPU per request there, as SVG")
    return parser


if __name__ == "__main__":
    main()
