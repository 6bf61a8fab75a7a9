"""FastAPI: one process; its thread pool runs the endpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from pydantic import BaseModel
from steps import Forecast, by_entity


class Data(BaseModel):
    """Rows by column."""

    data: dict[str, list[float | None]]


class Entities(BaseModel):
    """Whom to forecast for."""

    entities: list[int]
    time_point: str = "now"
    entity_key: str = "location_id"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the pair and the store."""
    app.state.forecast = Forecast()
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
def predict(body: Data, request: Request) -> dict[str, list[float]]:
    """Answer a request that brings its row along."""
    return {"prediction": request.app.state.forecast.of_data(body.data)[0]}


@app.post("/predict/feast")
def predict_one(body: Entities, request: Request) -> dict[str, list[float]]:
    """Answer for one entity."""
    return {"prediction": request.app.state.forecast.of_entities(body.entities)[0]}


@app.post("/predict/feast/batch")
def predict_many(body: Entities, request: Request) -> dict[str, dict[str, list[float]]]:
    """Answer for several."""
    return {"predictions": by_entity(body.entities, request.app.state.forecast.of_entities(body.entities))}
