"""Measure how cost grows with the entities of a request, or memory with the requests of a long load."""

import argparse
from functools import partial
from pathlib import Path

from measuring.endurance import endure
from measuring.growth import grow
from measuring.measure import built_router, check_tools, make_fixture
from measuring.place import HOME, Place, redis
from measuring.roster import ROUTED
from measuring.servers import graph, one_process

SIZES = (1, 10, 100, 1000, 10000)
#: By default a request has at most 1,000 entities, and a body 8 MiB, which the rows between the graph's steps outgrow
#: before that many. Rows may be 10,000 as it is.
LIMITS = {"TWINPIN_MAX_ENTITIES": str(max(SIZES)), "TWINPIN_MAX_BODY_BYTES": str(64 << 20)}
SERVERS = {"serve": partial(one_process, **LIMITS), "graph": partial(graph, **LIMITS)}


def main() -> None:
    """Parse the command line, fill the store, measure, print."""
    parser = argparse.ArgumentParser(prog="bench/scale", description=__doc__)
    parser.add_argument("--servers", default="", help="which of: serve,graph; default: both, for --requests serve")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="entities in a request")
    parser.add_argument("--seconds", type=float, default=2, help="of each size, at least three requests")
    parser.add_argument("--requests", type=int, help="measure memory until so many requests are answered")
    parser.add_argument("--minutes", type=float, default=60, help="the longest that such a load lasts")
    parser.add_argument("--router", type=Path, help="KServe's router; default: what hack/router builds")
    arguments = parser.parse_args()
    check_tools()
    names = (arguments.servers or ("serve" if arguments.requests else "serve,graph")).split(",")
    if unknown := set(names) - set(SERVERS):
        raise SystemExit(f"no such server: {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    sizes = [int(each) for each in arguments.sizes.split(",")]
    router = arguments.router or (built_router() if ROUTED & set(names) else None)
    with redis(HOME) as address:
        place = Place(HOME / "work", address, router)
        if arguments.requests:
            make_fixture(place, "--no-scalars")
            for name in names:
                endure(place, name, SERVERS[name], arguments.requests, arguments.minutes)
        else:
            make_fixture(place, "--no-scalars", "--locations", str(max(sizes)))
            grow(place, {name: SERVERS[name] for name in names}, sizes, arguments.seconds)


if __name__ == "__main__":
    main()
