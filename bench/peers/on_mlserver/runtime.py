"""MLServer: a custom runtime that answers V2 requests, in MLServer's own worker process."""

import asyncio

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from steps import KEY, Forecast, table


class ForecastRuntime(MLModel):
    """The three steps as one model."""

    async def load(self) -> bool:
        """Load the pair and the store."""
        self.forecast = Forecast()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer from the one tensor of the request: entities, or rows."""
        tensor = payload.inputs[0]
        values = NumpyCodec.decode_input(tensor)
        forecasts = await asyncio.to_thread(self._answer, tensor.name, values)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("forecast", forecasts)])

    def _answer(self, name: str, values: np.ndarray) -> np.ndarray:
        if name == KEY:
            return self.forecast.of_rows(self.forecast.features(values.ravel().tolist()))
        return self.forecast.of_rows(table(values))
