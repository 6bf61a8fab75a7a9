"""A pair that takes over begins with as many pods as the one before has, and is left to its autoscalers afterwards."""

import datetime as dt

import pytest
from rollout_cluster import GRAPH, MANIFESTS, World
from rollout_machine import Controller, settle

from twinpin.rollout.resource import Canary
from twinpin.rollout.template import MARK, Template

PREDICT = f"f-predict-{MARK}-predictor"
B = "p2-m2-"
KEDA = (
    "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: s-@ROLLOUT@}, spec: {scaleTargetRef: "
    "{name: d-@ROLLOUT@}, minReplicaCount: 2, maxReplicaCount: 9, advanced: {horizontalPodAutoscalerConfig: "
    "{behavior: {scaleDown: {stabilizationWindowSeconds: 120}}}}}}"
)


class Stage:
    """Pair 1 serves, its predict step grown to three pods by its load; the alias moves to pair 2."""

    def __init__(self, canary=None):
        self.world = World()
        self.one = Controller(self.world)
        settle(self.world, [self.one])
        self.service("p1-", "predict").desired = 3
        self.run(8)
        self.world.spec = self.world.spec.model_copy(update={"canary": canary})
        self.world.record_version += 1
        self.world.alias = [2, 2]

    def service(self, pair, step):
        """Find one service."""
        return next(each for name, each in self.world.services.items() if name.startswith(f"f-{step}-{pair}"))

    def scaler(self, pair, step):
        """Find the autoscaler of one."""
        return next(each for name, each in self.world.scalers.items() if name.startswith(f"f-{step}-{pair}"))

    def run(self, rounds, seconds=1):
        """Let all go on; says how many pods of the new predict step were ready when it first got everything."""
        for _ in range(rounds):
            if self.routed_to(B):
                return len(self.service(B, "predict").ready)
            self.one.round()
            for process in ("kserve", "deployments", "replicasets", "kubelet", "step_pods"):
                getattr(self.world, process)()
            self.world.sleep(seconds)
        return None

    def routed_to(self, pair):
        """Whether all requests go there."""
        route = self.world.graph.stages[0]
        return route.stable.startswith(pair) and route.canary is None


def test_a_pair_gets_requests_when_it_has_the_pods_for_them():
    """As many of each step as the pair that served had, at once."""
    stage = Stage()

    assert stage.run(60) == 3
    assert len(stage.service(B, "preprocess").ready) == 1
    assert stage.scaler(B, "predict").least == 3


def test_its_autoscalers_are_free_once_they_know_its_load():
    """Not before they look back on nothing else, and without a restart."""
    stage = Stage()
    stage.run(60)
    digest = stage.service(B, "predict").digest
    begun = stage.world.now
    while stage.scaler(B, "predict").least == 3:
        stage.one.round()
        stage.world.sleep(5)

    assert stage.world.now - begun >= dt.timedelta(seconds=360)
    assert stage.scaler(B, "predict").least == 1
    assert stage.service(B, "predict").digest == digest
    settle(stage.world, [stage.one])


def test_a_pair_that_served_before_grows_before_it_serves_again():
    """A rollback under load meets as much load as a promotion."""
    stage = Stage()
    stage.run(60)
    stage.world.alias = [1, 1]
    old = stage.service("p1-", "predict")
    stage.world.scale(old, 1)
    for _ in range(60):
        if stage.routed_to("p1-"):
            break
        stage.one.round()
        for process in ("kserve", "deployments", "replicasets", "kubelet", "step_pods"):
            getattr(stage.world, process)()
        stage.world.sleep(1)

    assert stage.routed_to("p1-")
    assert len(old.ready) == 3


def test_a_canary_that_is_promoted_grows_first():
    """While it had a tenth of the requests the pair that serves grew."""
    stage = Stage(Canary(percent=10))
    stage.run(60)
    assert stage.world.graph.stages[0].canary.startswith(B)
    stage.world.scale(stage.service("p1-", "preprocess"), 2)
    stage.world.scale(stage.service(B, "preprocess"), 1)
    stage.world.promoted = f"{stage.world.status['candidate']['rollout']}@now"
    stage.world.record_version += 1

    assert stage.run(60) == 3
    assert len(stage.service(B, "preprocess").ready) == 2


def test_a_canary_is_not_blamed_for_growing():
    """Its time to become ready was over long ago."""
    stage = Stage(Canary(percent=10))
    stage.run(60, seconds=10)
    stage.world.full = True
    stage.world.scale(stage.service(B, "predict"), 3)
    stage.world.services[f"f-predict-{stage.world.status['candidate']['rollout']}"].pods.pop()
    stage.run(60, seconds=10)

    assert stage.world.status["phase"] == "Canary"
    assert stage.world.status["rejected"] == []


@pytest.mark.parametrize(
    ("manifests", "scaled", "hindsight"),
    [
        (MANIFESTS, {PREDICT: (1, 3), PREDICT.replace("predict-", "preprocess-"): (1, 3)}, 300),
        (KEDA, {f"d-{MARK}": (2, 9)}, 120),
        ("{apiVersion: v1, kind: Service, metadata: {name: s-@ROLLOUT@}}", {}, 0),
    ],
)
def test_the_template_says_what_is_scaled(manifests, scaled, hindsight):
    """Between how many pods, and how far its autoscalers look back."""
    template = Template(manifests, GRAPH)

    assert dict(template.scaled) == scaled
    assert template.hindsight == hindsight


def test_a_floor_changes_the_autoscaler_alone():
    """What did not change must not restart."""
    template = Template(MANIFESTS, GRAPH)
    plain, raised = template.digests("p1-m1-aaaaaa"), template.digests("p1-m1-aaaaaa", ((PREDICT, 3),))

    assert {key for key in plain if plain[key] != raised[key]} == {
        ("HorizontalPodAutoscaler", "f-predict-p1-m1-aaaaaa")
    }
