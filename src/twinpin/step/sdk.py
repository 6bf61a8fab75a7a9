"""KServe's SDK, without what its import does to the process: the only module that imports kserve.

Its package imports a client of Kubernetes and a class for each of its objects beside the server, and pandas for a few
annotations and conversions: 0.6 s, and 50 of its 75 MB. Whoever looks at any of it still finds it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from twinpin.deferred import bare


class _Pandas(ModuleType):
    """pandas for the SDK's conversions, imported by the first of them."""

    def __getattr__(self, name: str) -> object:
        """Find the real one; while the SDK is imported, its annotations get a name."""
        if name == "DataFrame" and sys.modules.get("pandas") is self:
            return "pandas.DataFrame"
        return getattr(_real("pandas", self), name)


def _real(name: str, instead_of: ModuleType) -> ModuleType:
    """Import a module, though another stands in its place."""
    if sys.modules.get(name) is instead_of:
        del sys.modules[name]
    return import_module(name)


@contextmanager
def _light() -> Iterator[None]:
    """Import what is needed alone; the SDK reads the command line, and exits on what looks like its own flags."""
    arguments, sys.argv[1:] = sys.argv[1:], ["--configure_logging", "false"]
    pandas = sys.modules.setdefault("pandas", _Pandas("pandas"))
    try:
        with bare("kserve"):
            yield
    finally:
        sys.argv[1:] = arguments
        if isinstance(pandas, _Pandas) and sys.modules.get("pandas") is pandas:
            del sys.modules["pandas"]


with _light():
    from kserve.errors import InferenceError, InvalidInput
    from kserve.model import Model
    from kserve.model_server import ModelServer
    from kserve.model_server import app as sdk_app
    from kserve.protocol.grpc import grpc_predict_v2_pb2 as sdk_protocol
    from kserve.protocol.infer_type import InferRequest, InferResponse
    from kserve.protocol.rest.server import RESTServer

__all__ = [
    "InferRequest",
    "InferResponse",
    "InferenceError",
    "InvalidInput",
    "Model",
    "ModelServer",
    "RESTServer",
    "sdk_app",
    "sdk_protocol",
]
