"""BentoML: one service with three APIs; its thread pool runs them."""

import bentoml
from steps import Forecast, by_entity


@bentoml.service(traffic={"timeout": 60})
class Service:
    """The three steps in one worker."""

    def __init__(self) -> None:
        self.forecast = Forecast()

    @bentoml.api(route="/predict")
    def predict(self, data: dict[str, list[float | None]]) -> dict[str, list[float]]:
        """Answer a request that brings its row along."""
        return {"prediction": self.forecast.of_data(data)[0]}

    @bentoml.api(route="/predict/feast")
    def predict_one(self, entities: list[int]) -> dict[str, list[float]]:
        """Answer for one entity."""
        return {"prediction": self.forecast.of_entities(entities)[0]}

    @bentoml.api(route="/predict/feast/batch")
    def predict_many(self, entities: list[int]) -> dict[str, dict[str, list[float]]]:
        """Answer for several."""
        return {"predictions": by_entity(entities, self.forecast.of_entities(entities))}
