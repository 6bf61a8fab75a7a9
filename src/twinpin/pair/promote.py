"""Promote: move the alias of both halves, or of neither.

Check the pair, write the intent, move one alias and the other, read both back, record the move, clear the intent. An
error on the way puts the pair before back; a crash leaves the intent, which `repair` completes or reverts.
"""

import contextlib
import getpass
import re
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinpin.pair.errors import (
    HalfMoved,
    LeaseHeld,
    LeaseLost,
    LeftLease,
    MoveUndone,
    NothingBefore,
    PairError,
    Refused,
    UnknownName,
)
from twinpin.pair.evidence import Evidence, examine
from twinpin.pair.history import History, Move, before
from twinpin.pair.lease import Intent, Lease, LeaseTag, Verb
from twinpin.pair.registry import Registry
from twinpin.pair.schema import require_fit
from twinpin.pair.settings import Settings
from twinpin.pair.signature import Signature, parse_signature
from twinpin.pair.version import Pair, Version, Versions

PAIR_ID = re.compile(r"p(\d+)-m(\d+)(-[0-9a-f]{6})?")


@dataclass(frozen=True, slots=True)
class Moved:
    """What a command did: *before* and *after* are equal where there was nothing to do."""

    verb: Verb
    before: Versions
    after: Versions
    evidence: Evidence

    @property
    def document(self) -> dict[str, object]:
        """The move as a script reads it."""
        halves = {"from": self.before, "to": self.after}
        return {
            "verb": self.verb,
            "changed": self.before != self.after,
            **{word: {"preprocessor": each.preprocessor, "model": each.model} for word, each in halves.items()},
            "evidence": self.evidence,
        }


class Promoter:
    """Moves one alias of two registered models."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._alias = settings.alias
        self._names = settings.preprocessor_name, settings.model_name
        self._seconds = settings.lease_seconds
        self._owner = settings.promoter or f"{getpass.getuser()}@{socket.gethostname()}"
        self._registry = registry
        self.lease = LeaseTag(registry, settings.model_name, settings.alias)
        self.history = History(registry, settings.model_name, settings.alias)

    def promote(self, wanted: Versions, *, force: bool = False) -> Moved:
        """Move the alias to a pair, Refused unless it is one; *force* goes over what a dead promotion left."""
        return self._move("promote", wanted, force=force)

    def rollback(self, to: Versions | None = None) -> Moved:
        """Move the alias to the pair before, or to *to*; NothingBefore when the record ends."""
        wanted = to or before(self.history.read(), self.now())
        if wanted is None:
            raise NothingBefore(
                f"The record of {self._alias!r} names no pair before the one it is on.",
                mend="twinpin rollback --to PAIR, one that `twinpin history` shows",
            )
        return self._move("rollback", wanted)

    def repair(self) -> Moved:
        """End what a dead promotion began: complete it where its pair is good, else put the pair before back."""
        intent = self.lease.read()
        now = self.now()
        if intent is None:
            return Moved("repair", now, now, self.require_pair(now))
        if intent.live:
            raise LeaseHeld(f"It may still be at work: {intent.label}. Wait until {intent.expires:%T} UTC.")
        wanted, evidence = self._way_out(intent, now)
        lease = self.lease.take("repair", self._owner, now, wanted, self._seconds)
        self._set_both(lease, wanted)  # an error leaves a lease to repair, as it was
        self._finish(lease, Move.of(intent if wanted == intent.after else lease.intent))
        return Moved("repair", now, wanted, evidence)

    def now(self) -> Versions:
        """Read what the alias is on."""
        pair = (self._registry.aliased(name, self._alias) for name in self._names)
        return Versions(*(version.version if version else None for version in pair))

    def by_run(self, run_id: str) -> Versions:
        """Find the two versions that one run made."""
        found = [self._registry.search(name, run_id=run_id) for name in self._names]
        return self._only(f"run {run_id}", found)

    def by_tag(self, pair: str) -> Versions:
        """Find the two versions that carry one pair's tag."""
        found = [self._registry.search(name, pair=pair) for name in self._names]
        return self._only(f"pair {pair!r}", found)

    def require_pair(self, versions: Versions) -> Evidence:
        """Say why two versions are a pair: NotAPair or SchemaMisfit when they are not, HalfMoved when one is None."""
        if versions.preprocessor is None or versions.model is None:
            raise HalfMoved(
                f"The alias {self._alias!r} is not on both halves ({versions.label}).",
                mend="twinpin promote --run RUN_ID",
            )
        preprocessor = self._registry.version(self._names[0], versions.preprocessor)
        model = self._registry.version(self._names[1], versions.model)
        evidence = examine(self._registry, Pair(preprocessor, model))
        require_fit(self._signature(preprocessor), self._signature(model))
        return evidence

    def _move(self, verb: Verb, wanted: Versions, *, force: bool = False) -> Moved:
        """Move both halves to *wanted* under a lease."""
        evidence = self.require_pair(wanted)
        self.lease.require_free(force=force)
        now = self.now()
        if now == wanted:
            return Moved(verb, now, now, evidence)
        lease = self.lease.take(verb, self._owner, now, wanted, self._seconds)
        if self.now() != now:
            lease.release()
            raise LeaseLost("The alias moved while the lease was taken: see `twinpin status`, then promote again.")
        with self._undone_on_error(lease):
            self._set_both(lease, wanted)
        self._finish(lease, Move.of(lease.intent))
        return Moved(verb, now, wanted, evidence)

    def _set_both(self, lease: Lease, wanted: Versions) -> None:
        """Write the two aliases, each only while the lease is ours, and read both back."""
        for name, version in zip(self._names, wanted, strict=True):
            lease.require_held()
            self._registry.set_alias(name, self._alias, version)
        self._require_now(wanted)

    def _require_now(self, wanted: Versions) -> None:
        """Raise LeaseLost when the alias is not on what was just written."""
        found = self.now()
        if found != wanted:
            raise LeaseLost(f"Somebody else moved the alias meanwhile: it is on {found.label}, not {wanted.label}.")

    @contextlib.contextmanager
    def _undone_on_error(self, lease: Lease) -> Iterator[None]:
        """Put the pair before back when the block fails, be it by Ctrl-C; never under another's lease."""
        try:
            yield
        except BaseException as error:
            self._undo(lease, error)
            if isinstance(error, PairError):
                raise MoveUndone(f"The pair before is back ({lease.intent.before.label}). {error.message}") from error
            raise

    def _undo(self, lease: Lease, cause: BaseException) -> None:
        """Put the pair before back; LeftLease when that fails too, since then the intent must stay."""
        intent = lease.intent
        try:
            lease.require_ours()
            for name, version in zip(self._names, intent.before, strict=True):
                self._registry.set_alias(name, self._alias, version)
            self._require_now(intent.before)
            lease.release()
        except LeaseLost:
            raise
        except PairError as error:
            raise LeftLease(
                f"The move failed and could not be undone: {intent.label}. {error.message}",
                mend="twinpin promote --repair",
            ) from cause

    def _finish(self, lease: Lease, move: Move) -> None:
        """Record the move, then clear the intent: a crash in between records nothing twice."""
        self.history.add(move)
        lease.release()

    def _way_out(self, intent: Intent, now: Versions) -> tuple[Versions, Evidence]:
        """Choose where a repair goes: what somebody set since, else what was wanted, else what was; if it is a pair."""
        on_the_way = {Versions(one.preprocessor, other.model) for one in intent.ends for other in intent.ends}
        refusals = []
        for versions in (intent.after, intent.before) if now in on_the_way else (now, intent.after, intent.before):
            try:
                return versions, self.require_pair(versions)
            except (Refused, HalfMoved) as error:
                refusals.append(f"{versions.label}: {error.message}")
        raise LeftLease(
            f"Nothing that the alias could go to is a pair. {' '.join(refusals)}",
            mend="twinpin promote --run RUN_ID --force",
        )

    def _only(self, what: str, found: Sequence[Sequence[Version]]) -> Versions:
        """Require exactly one version on each side."""
        for name, versions in zip(self._names, found, strict=True):
            if not versions:
                raise UnknownName(f"No version of {name} is of {what}: register one, or promote by version numbers.")
            if len(versions) > 1:
                numbers = ", ".join(version.version for version in versions)
                raise UnknownName(
                    f"More than one version of {name} is of {what} ({numbers}): say which.",
                    mend="twinpin promote --preprocessor-version N --model-version N",
                )
        return Versions(*(versions[0].version for versions in found))

    def _signature(self, version: Version) -> Signature | None:
        """Read one version's signature, and nothing else of its artifact."""
        with tempfile.TemporaryDirectory(prefix="twinpin-") as folder:
            return parse_signature(self._registry.mlmodel(version, Path(folder)))


def parse_pair(text: str) -> Versions:
    """Read the versions from a pair's id, with or without its last part."""
    match = PAIR_ID.fullmatch(text)
    if match is None:
        raise UnknownName(f"{text!r} names no pair: it should look like p7-m12 or p7-m12-3fa9c1.")
    return Versions(match[1], match[2])
