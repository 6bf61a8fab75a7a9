"""Settings are flags and environment variables alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import pytest
from click.testing import CliRunner

from twinpin.settings import entries, options, setting, take


@dataclass(frozen=True)
class Kitchen:
    """Settings of a test."""

    oven: Literal["gas", "electric"] = setting("gas", "What heats.")
    guests: int | None = setting(None, "How many come.")
    menu: Path = setting(Path("menu"), "Where the menu lies.")
    candles: bool = setting(False, "Whether there are candles.")
    hours: float = setting(2.0, "How long it takes.", least=0.5, most=8)
    plates: int = setting(4, "How many plates.", least=1)


@pytest.fixture
def command():
    """A command that prints the settings it was given."""

    @click.command()
    @options(Kitchen)
    def cook(**values):
        click.echo(repr(take(Kitchen, values)))

    return cook


def test_defaults_hold_where_nothing_is_said(command):
    """A setting that nobody sets has its default, None included."""
    result = CliRunner().invoke(command, [])

    assert result.output.strip() == repr(Kitchen())


def test_a_flag_beats_the_environment(command):
    """The more local word wins, and each is converted to the annotated type."""
    environment = {"TWINPIN_OVEN": "electric", "TWINPIN_GUESTS": "5", "TWINPIN_CANDLES": "true"}
    result = CliRunner().invoke(command, ["--guests", "7", "--menu", "x"], env=environment)

    assert result.output.strip() == repr(Kitchen("electric", 7, Path("x"), True))


def test_a_wrong_choice_names_the_right_ones(command):
    """A typo is refused at start, with what is allowed."""
    result = CliRunner().invoke(command, ["--oven", "wood"])

    assert result.exit_code == 2
    assert "gas" in result.output


def test_each_setting_is_listed_for_the_docs():
    """The docs table is made from the same entries."""
    listed = {entry.variable: entry.help for entry in entries(Kitchen)}

    assert listed["TWINPIN_MENU"] == "Where the menu lies."


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["--hours", "0"], {}),
        (["--hours", "9"], {}),
        (["--plates", "0"], {}),
        (["--plates", "2.5"], {}),
        ([], {"TWINPIN_PLATES": "-1"}),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(command, words, environment):
    """Exit code 2 and the flag by name, before anything starts."""
    result = CliRunner().invoke(command, words, env=environment)

    assert result.exit_code == 2
    assert "Invalid value for" in result.output


def test_a_choice_may_be_written_in_any_case(command):
    """The settings have it as it was declared."""
    result = CliRunner().invoke(command, ["--oven", "ELECTRIC"])

    assert "oven='electric'" in result.output
