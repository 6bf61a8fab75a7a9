"""What people ask of a release, at a real API server: nobody works there, so each wish stays as it was written."""

import json
import uuid

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from pairs import MODEL, PREPROCESSOR, Pairs

from twinpin.cli import main

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(mlflow|pydantic|sqlalchemy|alembic).*")

NOW = "2026-01-01T00:00:00Z"
A, B = "p1-m1-aaaaaa", "p2-m2-bbbbbb"
STABLE = {"pair": A, "rollout": A, "since": NOW}
CANDIDATE = {"versions": "p2-m2", "rollout": B, "pair": B, "since": NOW, "movedBy": "ann"}
REJECTED = {
    "pair": B,
    "versions": "p2-m2",
    "reason": "NeverReady",
    "message": "It had 600 s.",
    "at": NOW,
    "template": "t",
    "active": True,
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry with two pairs."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    MlflowClient(tracking_uri=uri, registry_uri=uri).search_registered_models()
    made = Pairs(uri, folder / "trees")
    for _ in range(2):
        made.pair()
    return made


class Desk:
    """One release in a namespace of its own, and the commands."""

    def __init__(self, admin):
        self._admin, self._namespace = admin, f"t-{uuid.uuid4().hex[:8]}"
        admin("create", "namespace", self._namespace)
        self._put("PairedGraph", "twinpin.dev/v1alpha1", spec={})
        names = {"TWINPIN_ALIAS": "live", "TWINPIN_MODEL_NAME": MODEL, "TWINPIN_PREPROCESSOR_NAME": PREPROCESSOR}
        self._put("ConfigMap", "v1", name="sales-pair", data=names)

    def _put(self, kind, version, name="sales", **fields):
        """Make an object."""
        document = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
        self._admin("-n", self._namespace, "apply", "-f", "-", document=document)

    def stands(self, *, spec=None, accepted=None, progressing=None, **status):
        """Write what a controller would have written."""
        conditions = [self._condition("PairAccepted", "False", *accepted)] if accepted else []
        conditions += [self._condition("Progressing", "False", progressing, "")] if progressing else []
        change = {"spec": spec or {}, "status": {"phase": "x", "conditions": conditions, **status}}
        for words, part in (((), "spec"), (("--subresource=status",), "status")):
            patch = json.dumps({part: change[part]})
            self._admin("-n", self._namespace, "patch", "pairedgraph", "sales", *words, "--type=merge", "-p", patch)

    @staticmethod
    def _condition(kind, status, reason, message):
        """One condition."""
        told = {"type": kind, "status": status, "reason": reason, "message": message}
        return {**told, "lastTransitionTime": NOW}

    @property
    def wishes(self):
        """What stands on the PairedGraph: its canary, and its annotations."""
        found = json.loads(self._admin("-n", self._namespace, "get", "pairedgraph", "sales", "-o", "json"))
        return found["spec"].get("canary"), found["metadata"].get("annotations", {})

    def run(self, *words, **environment):
        """Run one command."""
        place = {"TWINPIN_RELEASE": "sales", "TWINPIN_NAMESPACE": self._namespace}
        place |= {"KUBECONFIG": str(self._admin.kubeconfig), **environment}
        return CliRunner(env=place).invoke(main, words)


@pytest.fixture
def desk(admin):
    """A release that nobody keeps."""
    return Desk(admin)


def test_a_share_is_for_the_pairs_to_come(desk):
    """With no candidate there is nothing to wait for; --off takes the wish back."""
    told = desk.run("canary", "--percent", "10")
    wish, _ = desk.wishes
    desk.run("canary", "--off")

    assert (told.exit_code, wish) == (0, {"percent": 10})
    assert told.stdout.startswith("The next new pair behind the alias gets 10 of 100 requests")
    assert desk.wishes[0] is None


@pytest.mark.parametrize(
    ("flag", "annotation"), [("--promote", "twinpin.dev/promote"), ("--abort", "twinpin.dev/abort")]
)
def test_a_word_on_a_candidate_names_it(desk, flag, annotation):
    """Else it could reach the next one; where nobody works the command says who would."""
    desk.stands(stable=STABLE, candidate=CANDIDATE, percent=10, spec={"canary": {"percent": 10}})

    told = desk.run("canary", flag)
    wish, annotations = desk.wishes

    assert told.exit_code == 0
    assert annotations[annotation].startswith(f"{B}@")
    assert wish == {"percent": 10}
    assert "No controller runs: `twinpin rollout` carries it out." in told.stderr
    assert f"candidate: {B}, 10 of 100 requests, moved by ann" in told.stdout


@pytest.mark.parametrize("flag", ["--promote", "--abort"])
def test_without_a_candidate_there_is_nothing_to_decide(desk, flag):
    """Nothing is written."""
    told = desk.run("canary", flag)

    assert told.exit_code == 3
    assert "No candidate is pinned" in told.stderr
    assert not [key for key in desk.wishes[1] if key.startswith("twinpin.dev/")]


def test_canaries_do_not_end_with_a_candidate_on_its_way(desk):
    """It would get everything at once, which is what --promote says more clearly."""
    desk.stands(stable=STABLE, candidate=CANDIDATE, percent=10, spec={"canary": {"percent": 10}})

    told = desk.run("canary", "--off")

    assert told.exit_code == 3
    assert f"{B} is on its way: --promote or --abort it first." in told.stderr
    assert desk.wishes[0] == {"percent": 10}


def test_pods_that_follow_by_themselves_know_no_canary(desk):
    """In the collapsed topology a pod is a whole graph."""
    desk.stands(stable=STABLE, spec={"followedBy": "Pods"})

    told = desk.run("canary", "--percent", "10")

    assert told.exit_code == 3
    assert "it needs topology graph" in told.stderr


def test_how_it_stands_is_shown_without_a_registry(desk):
    """Whoever is called at night may have a kubeconfig alone."""
    desk.stands(stable=STABLE, candidate=CANDIDATE, kept=["p0-m0-000000"])

    told = desk.run("rollout", "--no-wait")

    assert told.exit_code == 0
    assert told.stdout == f"serving:   {A}\ncandidate: {B}, moved by ann\nkept warm: p0-m0-000000\n"


@pytest.mark.parametrize(
    ("accepted", "rejected", "code"),
    [
        (("NeverReady", "It had 600 s."), [REJECTED], 3),
        (("NoAlias", "Neither half carries it."), [], 3),
        (("HalfMoved", "Halves of two pairs."), [], 4),
    ],
)
def test_the_exit_code_says_whether_the_pair_behind_the_alias_serves(desk, accepted, rejected, code):
    """A pipeline acts on it; a person reads the reason and what to do."""
    desk.stands(stable=STABLE, accepted=accepted, rejected=rejected)

    told = desk.run("rollout", "--no-wait")

    assert told.exit_code == code
    assert f"error: {accepted[0]}. {accepted[1]}" in told.stderr
    assert ("`twinpin rollout --retry` tries it again" in told.stderr) is bool(rejected)


@pytest.mark.parametrize(("version", "code"), [("1", 0), ("2", 4)])
def test_a_watch_waits_for_the_pair_that_the_alias_names(desk, registry, version, code):
    """Right after a promotion nobody has seen it yet: that the pair before is in sync is no end of it."""
    registry.alias("live", version, version)
    desk.stands(stable=STABLE, progressing="InSync", spec={"followedBy": "Pods"})

    told = desk.run("rollout", "--wait-seconds", "3", TWINPIN_REGISTRY_URI=registry.uri)

    assert told.exit_code == code, told.stderr
    assert "The pods of sales follow the alias themselves." in told.stderr
    assert ("It is not done after 3 s" in told.stderr) is bool(code)


def test_a_watch_says_when_the_registry_cannot_be_asked(desk, tmp_path):
    """What the controller saw last is better than nothing."""
    desk.stands(stable=STABLE, progressing="InSync", spec={"followedBy": "Pods"})

    told = desk.run("rollout", TWINPIN_REGISTRY_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")

    assert told.exit_code == 0
    assert "the alias cannot be read from here" in told.stderr
    assert f"serving:   {A}" in told.stdout


def test_another_try_is_asked_for_once(desk):
    """Whoever keeps the release grants it when it sees the mark change."""
    desk.stands(stable=STABLE, rejected=[REJECTED])

    desk.run("rollout", "--retry", "--no-wait")

    assert "twinpin.dev/retry" in desk.wishes[1]


def test_a_rollout_of_another_pair_than_the_releases_own_is_refused(desk):
    """The release says its names; a flag or a variable that says others is a mistake."""
    told = desk.run("rollout", TWINPIN_ALIAS="production")

    assert told.exit_code == 3
    assert "alias live, not production: leave --alias out" in told.stderr


def test_the_history_of_a_release_is_printed_newest_first(desk):
    """For people, and as one document."""
    serving = {"pair": B, "rollout": B, "start": "2026-01-02T00:00:00Z", "movedBy": "ann", "outcome": "Serving"}
    replaced = {"pair": A, "rollout": A, "start": NOW, "end": "2026-01-02T00:00:00Z", "outcome": "Replaced"}
    desk.stands(history=[serving, replaced])

    told, document = desk.run("history"), desk.run("history", "--json")

    assert [line.split()[0] for line in told.stdout.splitlines()] == ["PAIR", B, A]
    assert [each["movedBy"] for each in json.loads(document.stdout)["periods"]] == ["ann", None]
