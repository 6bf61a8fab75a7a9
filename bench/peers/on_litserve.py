"""LitServe: one LitAPI, whose worker process answers every kind of request at /predict."""

import os

import litserve
from steps import Forecast, by_entity


class ForecastAPI(litserve.LitAPI):
    """The three steps in LitServe's worker."""

    def setup(self, device: str) -> None:  # noqa: ARG002 -- LitServe's signature
        """Load the pair and the store."""
        self.forecast = Forecast()

    def predict(self, request: dict) -> dict:
        """Answer one request, as LitServe decoded it."""
        if "data" in request:
            return {"prediction": self.forecast.of_data(request["data"])[0]}
        entities = request["entities"]
        return {"predictions": by_entity(entities, self.forecast.of_entities(entities))}


if __name__ == "__main__":
    server = litserve.LitServer(ForecastAPI(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(os.environ["PEER_PORT"]), log_level="warning", generate_client_file=False)
