"""The arguments that KServe's controller adds to a container's command."""

import click
import pytest
from click.testing import CliRunner

from twinpin.settings import options, take
from twinpin.step.arguments import StepCommand, translate
from twinpin.step.settings import Settings


@click.command(cls=StepCommand)
@options(Settings)
def command(**values):
    """Print what came out."""
    settings = take(Settings, values)
    click.echo(f"{settings.step_name} {settings.http_port} {settings.threads}")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["--model_name", "m", "--http_port=9"], ["--step-name", "m", "--http-port=9"]),
        (["--predictor_host", "p.ns", "--workers=2", "--threads", "3"], ["--threads", "3"]),
        (["--enable_predictor_health_check", "--http-port", "9"], ["--http-port", "9"]),
        (["--predictor_host"], []),
        ([], []),
    ],
)
def test_translation(given, left):
    """Those with a meaning are renamed, the others dropped with their values, ours kept."""
    assert translate(given) == left


def test_a_container_of_kserve_starts():
    """The whole injected line at once, beside an argument of ours."""
    line = "--model_name echo --predictor_host echo-predictor.ns --http_port 9000 --workers 1 --threads 3"

    done = CliRunner().invoke(command, line.split())

    assert (done.output, done.exit_code) == ("echo 9000 3\n", 0)


def test_a_typo_is_still_refused():
    """Only known strangers are let through."""
    done = CliRunner().invoke(command, ["--thraeds", "3"])

    assert done.exit_code == 2
    assert "--thraeds" in done.output
