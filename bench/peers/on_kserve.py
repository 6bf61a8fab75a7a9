"""KServe's SDK: one server per step (its name is the first argument), for KServe's router to join over V1."""

import sys

import numpy as np
import pandas as pd
import steps
from kserve import Model, ModelServer


def rows(frame: pd.DataFrame) -> dict:
    """Write a frame as a V1 request, a missing value as null."""
    values = frame.to_numpy()
    return {"instances": np.where(np.isnan(values), None, values).tolist()}


class Features(Model):
    """Entities to rows of features."""

    def load(self) -> bool:
        """Open the store."""
        self.step, self.ready = steps.Features(), True
        return self.ready

    def predict(self, payload: dict, headers: object = None, response_headers: object = None) -> dict:  # noqa: ARG002
        """Answer with the next step's request."""
        return rows(self.step([instance[steps.KEY] for instance in payload["instances"]]).astype("float64"))


class Preprocess(Model):
    """Rows of features to the model's inputs."""

    def load(self) -> bool:
        """Load the preprocessor."""
        self.step, self.ready = steps.Preprocess(), True
        return self.ready

    def predict(self, payload: dict, headers: object = None, response_headers: object = None) -> dict:  # noqa: ARG002
        """Answer with the next step's request."""
        return rows(self.step(steps.table(payload["instances"])))


class Predict(Model):
    """The model's inputs to forecasts."""

    def load(self) -> bool:
        """Load the model."""
        self.step, self.ready = steps.Predict(), True
        return self.ready

    def predict(self, payload: dict, headers: object = None, response_headers: object = None) -> dict:  # noqa: ARG002
        """Answer as V1 does."""
        scaled = pd.DataFrame(payload["instances"], columns=self.step.columns)
        return {"predictions": self.step(scaled).tolist()}


if __name__ == "__main__":
    name = sys.argv[1]  # the flags behind it are the SDK's own
    model = {"features": Features, "preprocess": Preprocess, "predict": Predict}[name](name)
    model.load()
    ModelServer().start([model])
