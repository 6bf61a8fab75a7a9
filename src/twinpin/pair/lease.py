"""Lease: a tag on the model's registered model that says who moves the alias, from what to what.

MLflow has no compare-and-set, so a tag is a courtesy, not a lock: docs/decisions/0002-lease-in-a-tag.md says what is
left. No wrong pair can be served through what is left, since every resolver checks the versions themselves.
"""

import datetime as dt
import time
import uuid
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinpin.pair.errors import LeaseHeld, LeaseLost, LeftLease
from twinpin.pair.registry import Registry
from twinpin.pair.version import Versions

Verb = Literal["promote", "rollback", "repair"]

#: Seconds between writing the tag and reading it back: longer than another's read and write lie apart, as a rule.
SETTLE = 0.25


class Intent(BaseModel):
    """What a promotion is about to do, written before it does anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    token: str
    verb: Verb
    owner: str
    at: dt.datetime
    expires: dt.datetime
    before: Versions = Field(validation_alias="from", serialization_alias="from")
    after: Versions = Field(validation_alias="to", serialization_alias="to")

    @property
    def live(self) -> bool:
        """Whether its owner may still be at work, by this machine's clock."""
        return dt.datetime.now(dt.UTC) < self.expires

    @property
    def ends(self) -> tuple[Versions, Versions]:
        """Where the move comes from and where it goes."""
        return self.before, self.after

    @property
    def label(self) -> str:
        """The intent in a few words."""
        return f"{self.verb} of {self.owner} from {self.before.label} to {self.after.label}, begun {self.at:%F %T} UTC"


class LeaseTag:
    """The lease of one alias, where it is kept."""

    def __init__(self, registry: Registry, name: str, alias: str) -> None:
        self._registry = registry
        self._name = name
        self.key = f"twinpin.lease.{alias}"

    def read(self) -> Intent | None:
        """Read who holds the lease; LeftLease when the tag is none of ours."""
        text = self._registry.tags(self._name).get(self.key)
        if not text:
            return None
        try:
            return Intent.model_validate_json(text)
        except ValidationError as error:
            raise LeftLease(
                f"The tag {self.key} of {self._name} is not a lease, so somebody edited it: delete the tag, then see "
                "what `twinpin status` says."
            ) from error

    def require_free(self, *, force: bool = False) -> None:
        """Raise LeaseHeld when somebody is at work, LeftLease when a dead one was, unless *force* says to go on."""
        held = self.read()
        if held is None:
            return
        if held.live:
            raise LeaseHeld(f"The alias is being moved: {held.label}. Wait until {held.expires:%T} UTC at most.")
        if not force:
            raise LeftLease(f"A move died half-way: {held.label}.", mend="twinpin promote --repair")

    def take(self, verb: Verb, owner: str, before: Versions, after: Versions, seconds: float) -> "Lease":
        """Write the intent over whatever the tag holds, and read it back after a moment; LeaseLost when it is gone."""
        now = dt.datetime.now(dt.UTC)
        intent = Intent(
            token=uuid.uuid4().hex,
            verb=verb,
            owner=owner,
            at=now,
            expires=now + dt.timedelta(seconds=seconds),
            before=before,
            after=after,
        )
        self._registry.set_tag(self._name, self.key, intent.model_dump_json(by_alias=True))
        lease = Lease(self, intent)
        time.sleep(SETTLE)
        lease.require_held()
        return lease

    def clear(self) -> None:
        """Take the tag away."""
        self._registry.set_tag(self._name, self.key, None)


class Lease:
    """A lease that we hold."""

    def __init__(self, tag: LeaseTag, intent: Intent) -> None:
        self._tag = tag
        self.intent = intent

    def require_held(self) -> None:
        """Raise LeaseLost when another wrote over the tag, or our time is over."""
        self.require_ours()
        if not self.intent.live:
            raise LeaseLost("The lease ran out before the move was done: give --lease-seconds more.")

    def require_ours(self) -> None:
        """Raise LeaseLost when another wrote over the tag; until then what we began is ours to undo, however late."""
        held = self._tag.read()
        if held is None or held.token != self.intent.token:
            other = f" by {held.label}" if held else ""
            raise LeaseLost(f"The lease was taken over{other}: see `twinpin status`, then promote again.")

    def release(self) -> None:
        """Give the lease back: what it announced is done or undone."""
        self._tag.clear()
