"""Status: the pair behind the alias, why it is one, what is wrong with it, and the command that mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twinpin.pair.errors import HalfMoved, LeftLease, NoAlias, PairError
from twinpin.pair.evidence import Evidence
from twinpin.pair.history import Move
from twinpin.pair.lease import Intent
from twinpin.pair.pin import Pin
from twinpin.pair.pins import Pins
from twinpin.pair.promote import Promoter
from twinpin.pair.registry import Registry
from twinpin.pair.settings import Settings
from twinpin.pair.version import Versions

#: Where else to look: what a cluster serves stands there.
ELSEWHERE = "; on a cluster `twinpin rollout --no-wait` says what serves"


@dataclass(frozen=True, slots=True)
class Status:
    """What the registry and the rollout's Pin say at one moment."""

    alias: str
    names: tuple[str, str]
    versions: Versions
    evidence: Evidence | None
    problem: PairError | None
    lease: Intent | None
    history: Sequence[Move]
    rollout: str
    pin: Pin | None

    @property
    def document(self) -> dict[str, Any]:
        """The status as a script reads it."""
        return {
            "alias": self.alias,
            "preprocessor": {"name": self.names[0], "version": self.versions.preprocessor},
            "model": {"name": self.names[1], "version": self.versions.model},
            "evidence": self.evidence,
            "problem": self.problem.document if self.problem else None,
            "lease": self.lease.model_dump(mode="json", by_alias=True) if self.lease else None,
            "history": [move.model_dump(mode="json", by_alias=True) for move in self.history],
            "rollout": self.rollout,
            "pin": self.pin.model_dump(mode="json") if self.pin else None,
        }

    @property
    def lines(self) -> Sequence[str]:
        """The status as a person reads it: one fact a line."""
        facts = [
            ("alias", self.alias),
            ("preprocessor", f"{self.names[0]} {self.versions.preprocessor or '-'}"),
            ("model", f"{self.names[1]} {self.versions.model or '-'}"),
            ("evidence", self.evidence or "none"),
            ("lease", self.lease.label if self.lease else "free"),
            (
                "pinned",
                f"{self.rollout} serves {self.pin.id}" if self.pin else f"{self.rollout} is not pinned here{ELSEWHERE}",
            ),
        ]
        facts += [("moved", f"{move.at:%F %T} UTC {move.owner}: {_arrow(move)}") for move in self.history[:5]]
        if self.problem:
            facts.append(("problem", self.problem.message))
            facts.append(("mend", self.problem.mend or "wait, then look again"))
        return [f"{word + ':':<14}{fact}" for word, fact in facts]


def status(settings: Settings, registry: Registry, pins: Pins) -> Status:
    """Look at the alias, the lease, the record and the Pin; Unreachable or Denied when nothing can be seen."""
    promoter = Promoter(settings, registry)
    versions = promoter.now()
    lease = promoter.lease.read()
    evidence, problem = _judge(promoter, versions, lease, settings)
    return Status(
        alias=settings.alias,
        names=(settings.preprocessor_name, settings.model_name),
        versions=versions,
        evidence=evidence,
        problem=problem,
        lease=lease,
        history=promoter.history.read(),
        rollout=settings.rollout,
        pin=pins.read(settings.rollout),
    )


def _judge(
    promoter: Promoter, versions: Versions, lease: Intent | None, settings: Settings
) -> tuple[Evidence | None, PairError | None]:
    """Say why the two are a pair, or what is wrong with them; a dead lease is wrong even beside a good pair."""
    evidence, problem = _examine(promoter, versions, settings)
    if lease is None:
        return evidence, problem
    if not lease.live:
        return evidence, LeftLease(f"A move died half-way: {lease.label}.", mend="twinpin promote --repair")
    return evidence, problem and HalfMoved(f"The alias is being moved: {lease.label}. {problem.message}")


def _examine(promoter: Promoter, versions: Versions, settings: Settings) -> tuple[Evidence | None, PairError | None]:
    """Examine the two, whatever the lease says."""
    if versions == (None, None):
        bare = f"Neither {settings.preprocessor_name} nor {settings.model_name} carries the alias {settings.alias!r}."
        return None, NoAlias(bare, mend="twinpin promote --run RUN_ID")
    try:
        return promoter.require_pair(versions), None
    except PairError as error:
        return None, error


def _arrow(move: Move) -> str:
    """Draw a move."""
    return f"{move.verb} {move.before.label} -> {move.after.label}"
