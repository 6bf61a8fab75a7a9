"""Every setting has a flag, a variable and a line in the docs, and no two share one."""

import dataclasses
import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import pytest

import twinpin
from twinpin.settings import entries

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def declared():
    """Every dataclass of settings in the product, found by looking."""
    for package in pkgutil.iter_modules(twinpin.__path__, "twinpin."):
        name = f"{package.name}.settings" if package.ispkg else package.name
        if importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        for called, value in vars(module).items():
            if "Settings" in called and dataclasses.is_dataclass(value) and value.__module__ == module.__name__:
                yield value


ALL = [(settings, entry) for settings in declared() for entry in entries(settings)]


def test_settings_were_found():
    """Looking in the wrong place would find nothing to complain of."""
    assert len(ALL) > 30


@pytest.mark.parametrize("entry", [entry for _, entry in ALL], ids=lambda entry: entry.variable)
def test_every_setting_is_documented(entry):
    """Its variable and its sentence stand on the page."""
    assert f"`{entry.variable}`" in PAGE
    assert entry.help.replace("|", "\\|") in PAGE


@pytest.mark.parametrize("entry", [entry for _, entry in ALL], ids=lambda entry: entry.variable)
def test_a_setting_says_in_one_sentence_what_it_is(entry):
    """It ends in a full stop and says more than the flag's name."""
    assert entry.help.endswith(".")
    assert len(entry.help) > 15


def test_no_two_settings_share_a_variable():
    """`twinpin serve` takes all of them at once."""
    counted = Counter(entry.variable for _, entry in ALL)

    assert [variable for variable, number in counted.items() if number > 1] == []
