"""History: who moved the alias, when, from what to what; MLflow itself remembers no move.

It is one tag on the model's registered model, the newest move first, cut at what every MLflow server accepts.
"""

import datetime as dt
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from twinpin.pair.errors import Refused
from twinpin.pair.lease import Intent, Verb
from twinpin.pair.registry import Registry
from twinpin.pair.version import Versions

#: Characters of a registered model's tag that MLflow accepts; newer servers take more.
LIMIT = 5_000


class Move(BaseModel):
    """One move of the alias that came to its end."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    verb: Verb
    owner: str
    at: dt.datetime
    before: Versions = Field(validation_alias="from", serialization_alias="from")
    after: Versions = Field(validation_alias="to", serialization_alias="to")

    @classmethod
    def of(cls, intent: Intent) -> "Move":
        """Make the record of an intent that was carried out."""
        return cls(verb=intent.verb, owner=intent.owner, at=intent.at, before=intent.before, after=intent.after)


MOVES: TypeAdapter[list[Move]] = TypeAdapter(list[Move])


class History:
    """The moves of one alias."""

    def __init__(self, registry: Registry, name: str, alias: str) -> None:
        self._registry = registry
        self._name = name
        self.key = f"twinpin.history.{alias}"

    def read(self) -> Sequence[Move]:
        """Read the moves, newest first."""
        text = self._registry.tags(self._name).get(self.key)
        if not text:
            return ()
        try:
            return MOVES.validate_json(text)
        except ValidationError as error:
            raise Refused(
                f"The tag {self.key} of {self._name} is not a record of moves, so somebody edited it: delete the tag; "
                "`twinpin rollback --to PAIR` works without it."
            ) from error

    def add(self, move: Move) -> None:
        """Record a move, and forget the oldest when the tag is full; the same move is recorded once."""
        moves = list(self.read())
        if move in moves:
            return
        moves.insert(0, move)
        while len(text := _text(moves)) > LIMIT:
            moves.pop()
        self._registry.set_tag(self._name, self.key, text)


def before(moves: Sequence[Move], now: Versions) -> Versions | None:
    """Find the pair before the one that the alias carries *now*, in moves that are listed newest first.

    A rollback is not a way forward, so two in a row go back two pairs. Where somebody moved the alias past us, the pair
    before is the last one that we set.
    """
    if not moves:
        return None
    if moves[0].after != now:
        return moves[0].after
    for move in moves:
        if move.verb != "rollback" and move.after == now and None not in move.before:
            return move.before
    return None


def _text(moves: list[Move]) -> str:
    """Write moves as the tag holds them."""
    return MOVES.dump_json(moves, by_alias=True).decode()
