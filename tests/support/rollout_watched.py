"""The real controller in the model of a cluster, with the figures that Prometheus reads of it."""

import time

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rollout_cluster import ModelCluster, ModelPairs, World

from twinpin.rollout.actions import Wait
from twinpin.rollout.controller import Controller
from twinpin.rollout.metrics import Metrics
from twinpin.rollout.pulse import Pulse


class Watched:
    """A controller with figures, in a cluster whose processes run between its rounds."""

    def __init__(self):
        self.world = World()
        self.world.spec = self.world.spec.model_copy(update={"drain": 0, "keep": 0})
        self.now = [time.time()]
        self.metrics = Metrics(clock=lambda: self.now[0])
        self.pulse = Pulse(metrics=self.metrics)
        self.pulse.leads(held=True)
        self.controller = Controller(ModelCluster(self.world), ModelPairs(self.world), self.pulse)

    def round(self):
        """Go round once."""
        running = self.controller.round()
        while True:
            try:
                running.send(None)
            except StopIteration as ended:
                return ended.value

    def settle(self):
        """Go round until nothing is left to do."""
        for _ in range(100):
            done = self.round()
            world = self.world
            for process in (world.kserve, world.deployments, world.replicasets, world.kubelet, world.step_pods) * 3:
                process()
            if done and isinstance(done[1], Wait) and done[1].reason in {"InSync", "Rejected", "Canary", "Unreachable"}:
                return self
        raise AssertionError(done)

    def move(self, number):
        """Move both halves of the alias."""
        self.world.alias[:] = [number, number]
        return self

    def figures(self):
        """Scrape: what each series says, by its name and its labels' values."""
        return {(each.name.removeprefix("twinpin_"), *each.labels.values()): each.value for each in self._samples()}

    def pairs(self):
        """Scrape which pair has which role."""
        infos = [each.labels for each in self._samples() if each.name == "twinpin_rollout_pair_info"]
        assert all(each["pair"] == each["rollout"] for each in infos)
        return {each["role"]: (each["pair"], each["preprocessor_version"], each["model_version"]) for each in infos}

    def _samples(self):
        """Every series, by Prometheus's own parser."""
        text = generate_latest(self.metrics.registry).decode()
        return [each for family in text_string_to_metric_families(text) for each in family.samples]
