"""The protocol over gRPC, for any list of `Served`."""

from collections.abc import Sequence

import grpc

from twinpin.step.lifecycle import Lifecycle
from twinpin.step.rest import Limits
from twinpin.step.served import Served


def grpc_server(models: Sequence[Served], limits: Limits, lifecycle: Lifecycle | None = None) -> grpc.aio.Server:
    """Make a server without a port: the inference service and grpc.health.v1; add a port, start it, stop it."""
    raise NotImplementedError
