"""One GJSON query, `#(path op value)`: its text taken apart, and the comparison of one element with it."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

_OPERATORS = ("!=", "!%", "<=", ">=", "==", "<", ">", "=", "%", "!")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: What Go reads as a number and Python reads otherwise.
_ODD_NUMBER = re.compile(r"[+-]?(0[xXbBoO].*|inf(inity)?|nan)", re.IGNORECASE)
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TRUE, _FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})


@dataclass(frozen=True, slots=True)
class Query:
    """A path inside each element, an operator (empty: does the path exist) and the text to compare with."""

    path: str
    op: str
    value: str
    #: Where in the text the query ended, after its bracket.
    end: int

    @property
    def refusal(self) -> str | None:
        """Say why this query cannot be evaluated here as gjson would; None: it can."""
        if self.op == "!":
            return "a query compares with = == != < <= > >= % or !%, not with ! alone"
        if _ODD_NUMBER.fullmatch(self.value):
            return f"{self.value} in a query is read differently by different libraries; write a decimal number"
        return None

    def matches(self, left: Any, *, exists: bool) -> bool:
        """Compare what the path found in one element."""
        value = self.value
        if value.startswith("~"):
            answer = _tilde(left, value[1:], exists=exists)
            if answer is None:
                return False
            left, value = answer, "true"
        elif not exists:
            return False
        return not self.op or _compare(left, self.op, value)


def _compare(left: Any, op: str, value: str) -> bool:
    """Compare as the type of the value has it; objects, arrays and null compare with nothing."""
    if isinstance(left, bool):
        return _compare_bool(left, op, value)
    if isinstance(left, str):
        return _compare_text(left, op, value)
    return isinstance(left, int | float) and op in _ORDER and _ORDER[op](float(left), _number(value))


def _tilde(left: Any, word: str, *, exists: bool) -> bool | None:
    """Turn a value into a boolean; None for a word that is none of `*`, `null`, `true`, `false`."""
    absent = not exists or left is None
    if word == "*":
        return exists
    if word == "null":
        return absent
    if word == "true":
        return not absent and _is(left, _TRUE, number=True)
    if word == "false":
        return absent or _is(left, _FALSE, number=False)
    return None


def _is(left: Any, words: frozenset[str], *, number: bool) -> bool:
    """Tell whether a value counts as true (or, with the other words, as false)."""
    if isinstance(left, bool):
        return left is number
    if isinstance(left, str):
        return left.lower() in words
    return isinstance(left, int | float) and (left != 0) is number


def _compare_bool(left: bool, op: str, value: str) -> bool:
    """Order false before true; a text that is neither equals none."""
    same, other = ("true", "false") if left else ("false", "true")
    strict, loose = (">", ">=") if left else ("<", "<=")
    if op == "=":
        return value == same
    if op == "!=":
        return value != same
    return op == loose or (op == strict and value == other)


def _compare_text(left: str, op: str, value: str) -> bool:
    """Compare by code points, or with a pattern."""
    if op == "%":
        return glob(left, value)
    if op == "!%":
        return not glob(left, value)
    return _ORDER[op](left, value)


def _number(value: str) -> float:
    """Read a number; any other text counts as 0."""
    return float(value) if _NUMBER.fullmatch(value) else 0.0


@lru_cache(4096)
def split_query(text: str) -> Query | None:
    """Take `#(…)` at the start of a text apart; None where its bracket never closes."""
    depth, place, split, escaped = 1, 2, 0, False
    while place < len(text) and depth:
        char = text[place]
        if depth == 1 and not split and char in "!=<>%":
            split = place
        elif char == "\\":
            place += 1
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == '"':
            place, seen = _skip_string(text, place)
            escaped = escaped or seen
        place += 1
    if depth:
        return None
    inside = text[2 : place - 1]
    if not split:
        return Query(_trim(inside), "", "", place)
    op, value = _split_operator(_trim(inside[split - 2 :]))
    return Query(_trim(inside[: split - 2]), op, _unquote(value, escaped=escaped), place)


def _skip_string(text: str, place: int) -> tuple[int, bool]:
    """Go to the quote that ends the string that starts here, and tell whether the string has an escape."""
    place, escaped = place + 1, False
    while place < len(text) and text[place] != '"':
        escaped = escaped or text[place] == "\\"
        place += 2 if text[place] == "\\" else 1
    return place, escaped


def _split_operator(text: str) -> tuple[str, str]:
    """Part the operator from the value; == is =."""
    op = next(each for each in _OPERATORS if text.startswith(each))
    return ("=" if op == "==" else op), _trim(text[len(op) :])


def _unquote(value: str, *, escaped: bool) -> str:
    """Take the quotes off a string, and its JSON escapes where it has some."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':  # noqa: PLR2004 -- two quotes
        return value
    if not escaped:
        return value[1:-1]
    try:
        return str(orjson.loads(value))
    except orjson.JSONDecodeError:
        return value[1:-1]


def _trim(text: str) -> str:
    """Strip ASCII blanks and control characters."""
    return text.strip("".join(map(chr, range(0x21))))


def glob(text: str, pattern: str) -> bool:
    """Match the whole text: `*` any characters, `?` one, a backslash the next as it is; never worse than quadratic."""
    tokens = _tokens(pattern)
    if tokens is None:
        return False
    place = token = 0
    star, retry = -1, 0
    while place < len(text):
        if token < len(tokens) and tokens[token] == "*":
            star, retry, token = token, place, token + 1
        elif token < len(tokens) and (tokens[token] == "?" or tokens[token][-1:] == text[place] != ""):
            place, token = place + 1, token + 1
        elif star >= 0:
            token, retry = star + 1, retry + 1
            place = retry
        else:
            return False
    return all(each == "*" for each in tokens[token:])


@lru_cache(4096)
def _tokens(pattern: str) -> tuple[str, ...] | None:
    """Part a pattern: `*`, `?`, or `=c` for the character c; None where a backslash ends it, which matches nothing."""
    tokens, chars = [], iter(pattern)
    for char in chars:
        if char in "*?":
            tokens.append(char)
        elif char != "\\":
            tokens.append("=" + char)
        elif (after := next(chars, None)) is not None:
            tokens.append("=" + after)
        else:
            return None
    return tuple(tokens)
