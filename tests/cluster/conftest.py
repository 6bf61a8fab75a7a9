"""One cluster, one world in it, and the release that tests share which change nothing of it for good."""

import pytest
from cluster_api import Api
from cluster_namespaces import namespace as make_namespace
from cluster_namespaces import told
from cluster_release import installed
from cluster_values import COLLAPSED, cached, merged, one_of_each
from night_page import ROOT, accident_of, accidents

#: Seconds that one test may take with the fixtures that it is the first to need.
PATIENCE = 600
MEASURED: list[str] = []


def pytest_configure(config):
    """XGBoost, MLflow and SQLAlchemy warn of their own calls."""
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:mlflow.*")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:mlflow.*")


def pytest_collection_modifyitems(items):
    """A cluster takes longer than a process; what docs/operations.md names is run by hack/night."""
    named = {each for told in accidents() for each in told.tests}
    for item in items:
        if (str(item.path.relative_to(ROOT)), item.name.partition("[")[0]) in named:
            item.add_marker(pytest.mark.night)
        if item.get_closest_marker("cluster") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PATIENCE))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Tell with a failure how the cluster stood."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and item.get_closest_marker("cluster"):
        report.sections.extend(told())


def pytest_terminal_summary(terminalreporter):
    """Show what was measured: a passed test shows nothing of itself."""
    if MEASURED:
        terminalreporter.section("measured in the cluster")
        for line in MEASURED:
            terminalreporter.write_line(line)


@pytest.fixture
def measured(record_property):
    """Tell a figure, in the report of the test and at the end of the run."""

    def tell(name, value):
        record_property(name, value)
        MEASURED.append(f"{name}: {value}")

    return tell


@pytest.fixture(scope="session")
def api():
    """The cluster."""
    made = Api()
    yield made
    made.close()


@pytest.fixture(scope="session")
def world(api, tmp_path_factory):
    """MLflow, Redis, three pairs and the features."""
    import pair_folders  # noqa: F401, PLC0415 -- imports MLflow with its warnings off
    from cluster_world import make_world  # noqa: PLC0415 -- Feast takes four seconds to import

    with make_world(api, tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def questions(world):
    """What is asked of a release, and how answers are judged."""
    import cluster_questions  # noqa: PLC0415 -- imports what the world did

    return cluster_questions


@pytest.fixture(scope="module")
def namespace(request, api):
    """A namespace for one module."""
    word = request.module.__name__.rpartition("test_cluster_")[2].replace("_", "-")
    with make_namespace(api, word) as made:
        yield made


@pytest.fixture(scope="session")
def release(api, world):
    """The graph topology on pair A, one pod of every part; whoever moves the alias leaves it on its Pin."""
    from cluster_world import SEA  # noqa: PLC0415

    values = one_of_each(world, SEA)
    # KServe's router has no seccomp profile, so the restricted standard would refuse it.
    with make_namespace(api, "shared", standard="baseline") as place:
        yield installed(world, place, "sea", values, world.pairs["A"])


@pytest.fixture(scope="session")
def collapsed(api, world):
    """The collapsed topology on pair A, with a cache that outlives its pods; whoever scales it scales it back."""
    from cluster_world import SEA  # noqa: PLC0415

    with make_namespace(api, "collapsed") as place:
        world.rooms.make(place, "cache")
        values = merged(one_of_each(world, SEA), COLLAPSED, cached("cache"))
        yield installed(world, place, "whole", values, world.pairs["A"])


@pytest.fixture(scope="session")
def night(world):
    """The names of a pair that moves, and pairs under them: nobody else asks for these."""
    from cluster_nights import Nights  # noqa: PLC0415

    with world.registrar() as registrar:
        yield Nights(registrar)


@pytest.fixture(scope="session")
def seat(api):
    """A resource of the node that pods can run out of, with nobody else in it."""
    from cluster_seats import seats  # noqa: PLC0415

    with seats(api) as name:
        yield name


@pytest.fixture(scope="session")
def follower(api, world, night, seat):
    """The graph topology with a controller and two routers, on whatever pair the test before left it."""
    from cluster_follower import Follower, values  # noqa: PLC0415

    with make_namespace(api, "night", standard="baseline") as place:
        pair = night.newcomer(promoted=True)
        yield Follower(world, place, "night", values(world, night.names, seat), pair).install()


@pytest.fixture
def followed(follower, night):
    """The same with nothing on its way, whatever became of the test before; wishes of a test end with it."""
    from cluster_follower import UNHURRIED  # noqa: PLC0415

    night.promote(follower.pair, force=True)
    follower.await_settled()
    yield follower
    follower.wish(paused=False, progressDeadline=UNHURRIED)


@pytest.fixture(scope="session")
def watch(follower):
    """A Prometheus that looks after that release."""
    from cluster_watch import watch  # noqa: PLC0415

    with watch(follower) as made:
        yield made


@pytest.fixture
def accident(request, watch):
    """What docs/operations.md says of the accident that the test makes, from now on."""
    from cluster_accident import Accident  # noqa: PLC0415

    return Accident(watch, accident_of(str(request.path.relative_to(ROOT)), request.function.__name__))


@pytest.fixture(scope="session")
def registrar(world):
    """Registers pairs and moves their alias, for as long as nobody takes MLflow away for good."""
    with world.registrar() as made:
        yield made


@pytest.fixture(scope="session")
def follows(api, world, registrar):
    """Two pods that follow the alias themselves, on whatever pair the test before left them."""
    from cluster_pod_followers import CACHE, NAMES, Pods, values  # noqa: PLC0415

    with make_namespace(api, "pods") as place:
        first = registrar.register(NAMES, 1, promoted=True)
        world.rooms.make(place, CACHE)
        yield Pods(world, place, "pods", values(world), first).install()


@pytest.fixture(scope="session")
def moving(api, world):
    """The graph topology with a controller, and whoever moves its alias; no other test asks for it."""
    from cluster_follower import Follower  # noqa: PLC0415
    from cluster_moves import NAMES, Mover, values  # noqa: PLC0415

    with make_namespace(api, "moving", standard="baseline") as place, world.registrar() as registrar:
        pair = registrar.register(NAMES, 0, promoted=True)
        yield Mover(Follower(world, place, "move", values(world), pair).install(), registrar)
