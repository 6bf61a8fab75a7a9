"""Ray Serve: a deployment per step, and an ingress that joins them by handles."""

import os
import signal

import numpy as np
import pandas as pd
import ray
import steps
from fastapi import FastAPI
from pydantic import BaseModel
from ray import serve
from ray.serve.handle import DeploymentHandle

app = FastAPI()
#: What a replica claims of the machine when it is placed, so that all four fit on two cores.
SHARE = {"num_cpus": 0.25}


class Data(BaseModel):
    """Rows by column."""

    data: dict[str, list[float | None]]


class Entities(BaseModel):
    """Whom to forecast for."""

    entities: list[int]


@serve.deployment(ray_actor_options=SHARE)
class Features:
    """Reads the store."""

    def __init__(self) -> None:
        self.step = steps.Features()

    def __call__(self, entities: list[int]) -> pd.DataFrame:
        """Return a row per entity."""
        return self.step(entities)


@serve.deployment(ray_actor_options=SHARE)
class Preprocess:
    """Imputes and scales."""

    def __init__(self) -> None:
        self.step = steps.Preprocess()

    def __call__(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return the model's inputs."""
        return self.step(raw)


@serve.deployment(ray_actor_options=SHARE)
class Predict:
    """Predicts."""

    def __init__(self) -> None:
        self.step = steps.Predict()

    def __call__(self, scaled: pd.DataFrame) -> np.ndarray:
        """Return a forecast per row."""
        return self.step(scaled)


@serve.deployment(ray_actor_options=SHARE)
@serve.ingress(app)
class Gateway:
    """Answers requests."""

    def __init__(self, features: DeploymentHandle, preprocess: DeploymentHandle, predict: DeploymentHandle) -> None:
        self.features, self.preprocess, self.predict = features, preprocess, predict

    @app.post("/predict")
    async def of_data(self, body: Data) -> dict[str, list[float]]:
        """Answer a request that brings its row along."""
        forecasts = await self.predict.remote(self.preprocess.remote(pd.DataFrame(body.data)))
        return {"prediction": forecasts[0].tolist()}

    @app.post("/predict/feast")
    async def of_one(self, body: Entities) -> dict[str, list[float]]:
        """Answer for one entity."""
        return {"prediction": (await self._read(body.entities))[0].tolist()}

    @app.post("/predict/feast/batch")
    async def of_many(self, body: Entities) -> dict[str, dict[str, list[float]]]:
        """Answer for several."""
        return {"predictions": steps.by_entity(body.entities, (await self._read(body.entities)).tolist())}

    async def _read(self, entities: list[int]) -> np.ndarray:
        return await self.predict.remote(self.preprocess.remote(self.features.remote(entities)))


if __name__ == "__main__":
    ray.init(include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PEER_PORT"])})
    serve.run(Gateway.bind(Features.bind(), Preprocess.bind(), Predict.bind()))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
