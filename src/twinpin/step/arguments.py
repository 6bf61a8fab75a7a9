"""The arguments that KServe adds to a container's command, made into ours.

KServe's controller injects --model_name, --http_port, --predictor_host, --workers and more with underscores (read:
kserve pkg/controller/v1beta1/inferenceservice, transformer_custom.go). Two of them mean something to a step; the others
speak of a predictor behind a transformer, which a step of a graph does not have.
"""

from collections.abc import Iterator, Sequence

import click

_MEANT = {"--http_port": "--http-port", "--grpc_port": "--grpc-port", "--model_name": "--step-name"}
_IGNORED = frozenset(
    {
        "--predictor_host",
        "--predictor_protocol",
        "--predictor_use_ssl",
        "--predictor_request_timeout_seconds",
        "--predictor_request_retries",
        "--protocol",
        "--workers",
        "--max_threads",
        "--max_asyncio_workers",
        "--enable_grpc",
        "--enable_docs_url",
        "--enable_latency_logging",
    }
)
_FLAGS = frozenset({"--enable_predictor_health_check"})


def translate(arguments: Sequence[str]) -> list[str]:
    """Rename the injected arguments that a step understands and drop the others, in either form: `--a=b` or `--a b`."""
    return list(_translated(iter(arguments)))


def _translated(arguments: Iterator[str]) -> Iterator[str]:
    """Yield what is left for the command."""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in _FLAGS:
            continue
        if name in _IGNORED:
            if not equals:
                next(arguments, None)
        else:
            yield f"{_MEANT.get(name, name)}{equals}{value}"


class StepCommand(click.Command):
    """A command that a KServe container may run: it takes the injected arguments as well as its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments after translation."""
        return super().parse_args(ctx, translate(args))
