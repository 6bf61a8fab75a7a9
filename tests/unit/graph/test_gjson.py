"""GJSON paths, as gjson 1.18 reads them; the integration tests hold them against gjson itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import paths, values

from twinpin.graph import gjson
from twinpin.graph.gjson_path import unsupported

PEOPLE = {
    "name": {"first": "Ada", "last.name": "B", "": 1},
    "ages": [36, 41.5, None],
    "a*b": True,
    "friends": [
        {"first": "Bo", "age": 44, "nets": ["x", "y"]},
        {"first": "Cy", "age": 68, "nets": ["y"], "vip": True},
        {"first": "Di", "age": "47", "nets": [], "vip": False, "note": None},
    ],
}


@pytest.mark.parametrize(
    "path",
    [
        "name",
        "name.first",
        "name|first",
        "name.last\\.name",
        "name.",
        "a\\*b",
        "n?me.f*",
        "*.first",
        "ages.0",
        "ages.00",
        "ages.2",
        "ages.#",
        "friends.#.none",
        "friends.#.nets.0",
        "friends.1.vip",
        'friends.#(first=="Bo")',
        'friends.#(first="Bo").nets.1',
        "friends.#[age>45]",
        'friends.#(age=="47")',
        'friends.#(first%"C*").vip',
        'friends.#(first!%"?o").vip',
        "friends.#(vip)",
        "friends.#(vip==true)",
        "friends.#(vip==~false)",
        "friends.#(note==~null)",
        "friends.#(note)",
        'friends.#(nets.#(=="x")).first',
        "friends.#(age>900)#",
        "friends.#(age>45)#|0",
        "friends.#(age>45)#.first|0",
        "friends.#(age>900)#.first|0",  # with no match the pipe is never reached, and [] is something
        "ages.#(>40)",
        "@this",
        "@this.name",
        "name.@this.first",
        '[@this].#(name.first=="Ada")',
        "[none]",
        "name.[first,none].0",
    ],
)
def test_paths_that_exist(path):
    """Each of these finds something; null and an empty list are something."""
    assert unsupported(path) is None
    assert gjson.exists(PEOPLE, path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "none",
        "Name",
        "name.none",
        "name.first.none",
        "name.0",
        "ages.3",
        "ages.-1",
        "ages.x",
        "friends.#(age>900)",
        "friends.#(first)#|first",
        "friends.#(age>900)#|0",
        'friends.#(first=="Bo").none',
        "friends.#(vip==maybe)",
        "friends.#(note==null)",  # null compares with nothing
        "friends.#(nets==1)",
        "friends.#(first==~odd)",
        "ages.#(x==~null)",  # a number is no object that lacks x
        '[@this].#(name.first=="Bo")',
        "[none].0",
        "a\\*c",
        "n?me.l*x",
        "@none",
    ],
)
def test_paths_that_do_not_exist(path):
    """Each of these finds nothing."""
    assert unsupported(path) is None
    assert not gjson.exists(PEOPLE, path)


@pytest.mark.parametrize("path", ["x", "0", "#", "*", "#(a)", "a.b"])
@pytest.mark.parametrize("scalar", [None, True, 3, "x", "0"])
def test_scalars_hold_nothing(path, scalar):
    """A body that is one number or text has no parts, but is there itself."""
    assert not gjson.exists(scalar, path)
    assert gjson.exists(scalar, "@this")


@pytest.mark.parametrize(
    "path",
    [
        "a.@reverse",
        "@keys",
        "a|@flatten|0",
        "#.@values",
        "[a,@pretty]",
        "@this:1",
        "#(a.@dig:b)",
        "#(a!1)",
        "#(a==inf)",
    ],
)
def test_what_is_not_supported_is_named(path):
    """A path that gjson would read otherwise is refused, wherever in it the reason stands."""
    assert unsupported(path)


def test_a_modifier_in_a_key_is_a_key():
    """Text behind @ that is no modifier, or that stands in a query's text, is read as it is."""
    assert gjson.exists({"@me": {"a": 1}}, "@me.a")
    assert unsupported('#(a=="@keys")') is None
    assert gjson.exists([{"a": "@keys"}], '#(a=="@keys")')


@given(value=values(), path=paths() | st.text(max_size=12))
def test_any_path_and_any_value_end_well(value, path):
    """Whatever the path, checking and asking end in an answer and in no error."""
    if unsupported(path) is None:
        assert gjson.exists(value, path) in {True, False}


def test_patterns_take_no_exponential_time():
    """A pattern of many stars on a long text that just fails is answered at once."""
    assert not gjson.exists([{"a": "a" * 20_000}], '#(a%"*a*a*a*a*a*a*b")')
