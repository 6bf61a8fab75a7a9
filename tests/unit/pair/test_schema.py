"""The preprocessor's output fits the model's input where both declare one."""

import pytest

from twinpin.pair.errors import SchemaMisfit
from twinpin.pair.schema import require_fit
from twinpin.pair.signature import Signature, Spec


def column(name, dtype="double", **more):
    """One column."""
    return Spec(name, dtype, **more)


def matrix(*shape, dtype="float32", name=None):
    """One tensor."""
    return Spec(name, dtype, shape)


def check(given, taken):
    """Put the two sides where they meet."""
    require_fit(
        Signature(None, tuple(given) if given else None),
        Signature(tuple(taken) if taken else None, None),
    )


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (None, [column("a")]),
        ([column("a")], None),
        ([column("a"), column("b")], [column("b"), column("a")]),
        ([column("a", "long")], [column("a", "float")]),
        ([column("a")], [column("a"), column("b", required=False)]),
        ([column("w", array=True)], [column("w", array=True)]),
        ([matrix(-1, 2)], [matrix(-1, 2, dtype="float64")]),
        ([matrix(-1, 2)], [matrix(-1, 2, name="input")]),
        ([matrix(-1, -1)], [matrix(-1, 7)]),
        ([matrix(-1, 2)], [column("a"), column("b")]),
        ([column("a"), column("b")], [matrix(-1, 2)]),
        ([column(None), column(None)], [column("a"), column("b")]),
        ([matrix(-1, 2, name="a"), matrix(-1, name="b")], [matrix(-1, name="b"), matrix(-1, 2, name="a")]),
        ([column("t", "datetime")], [column("t", "datetime")]),
        ([column(None, "any")], [column("a"), column("b"), column("c")]),
        ([column(None, "any"), column(None)], [column("a"), column("b")]),
        ([column("a", "any")], [column("a")]),
    ],
)
def test_what_fits_is_let_through(given, taken):
    """Order, width of a number, an open shape and an open type do not matter."""
    assert check(given, taken) is None


@pytest.mark.parametrize(
    ("given", "taken", "words"),
    [
        ([column("a")], [column("a"), column("b")], "does not give b"),
        ([column("a"), column("z")], [column("a")], "gives z, which the model does not take"),
        ([column("a", "string")], [column("a")], "column 'a'.*string.*double"),
        ([column("a", array=True)], [column("a")], "array"),
        ([matrix(-1, 3)], [matrix(-1, 2)], "gives 3 columns, the model takes 2"),
        ([matrix(-1, 3)], [column("a"), column("b")], "gives 3 columns, the model takes 2"),
        ([matrix(-1, 2, dtype="str")], [matrix(-1, 2)], "str.*float32"),
        ([matrix(-1, 1)], [column("t", "datetime")], "float32.*datetime"),
        ([matrix(-1, 2)], [column("a"), column("b", "string")], "numbers, text"),
        (
            [matrix(-1, 2, name="a"), matrix(-1, name="b")],
            [matrix(-1, 3, name="a"), matrix(-1, name="b")],
            "shape",
        ),
        ([column(str(each)) for each in range(9)], [column("x")], "and 4 more"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given, taken, words):
    """The message names the columns, since a person must find the half that is wrong."""
    with pytest.raises(SchemaMisfit, match=words):
        check(given, taken)
