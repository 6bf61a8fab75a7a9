"""The models of one server by name, for every front that serves them."""

import asyncio
from collections.abc import Iterator, Sequence

from twinpin.step.errors import TwinpinError, Unavailable, UnknownModel
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.served import Served
from twinpin.version import __version__

SERVER = "twinpin"
VERSION = __version__
EXTENSIONS = ("binary_tensor_data",)
# A probe gives up after a second by default; a store that takes longer to answer is not ready anyway.
_CHECK_TIMEOUT = 2.0  # seconds


class Models:
    """Finds a served model by name and version, and tells whether it is ready."""

    def __init__(self, models: Sequence[Served], lifecycle: Lifecycle | None = None) -> None:
        self._models = {model.name: model for model in models}
        self._lifecycle = lifecycle or Lifecycle()

    def __iter__(self) -> Iterator[str]:
        """The names of all models."""
        return iter(self._models)

    def find(self, name: str, version: str | None = None) -> Served:
        """Return the model; no version, or an empty one, means its first. Raises UnknownModel."""
        model = self._models.get(name)
        if model is None:
            raise UnknownModel(f"there is no model {name[:80]!r} here; this server has {', '.join(self._models)}")
        if version and version not in model.versions:
            has = ", ".join(model.versions) or "none by number; leave the version out"
            raise UnknownModel(f"model {name!r} has no version {version[:80]!r}; it has {has}")
        return model

    async def check(self, *models: Served) -> None:
        """Raise Unavailable where the server is stopping, or one of *models* (none: any) cannot serve."""
        if self._lifecycle.draining:
            raise Unavailable("the server is stopping; ask another one")
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                await asyncio.gather(*(model.check() for model in models or self._models.values()))
        except TimeoutError as error:
            raise Unavailable("a model did not say in time whether it is ready; try again") from error

    async def ready(self, *models: Served) -> bool:
        """Tell whether `check` finds nothing wrong."""
        try:
            await self.check(*models)
        except TwinpinError:
            return False
        return True
