"""What can go wrong with a pair, and whether waiting helps.

PairError                exit 5  none of the below
├── UnusableFolder               a folder of the pair cannot be read or written
├── Refused              exit 3  permanent: somebody has to mend it
│   ├── UnknownName              no such registered model, version or run
│   ├── NoAlias                  neither half carries the alias
│   ├── NotReady                 the registry failed to make the version
│   ├── NotAPair                 nothing says that the two belong together
│   ├── SchemaMisfit             the preprocessor's output is not the model's input
│   ├── BadArtifact              the artifact tree is not an MLflow model
│   ├── DigestMismatch           the artifact is not the one that was pinned
│   ├── BadPin                   the record of the rollout is not a Pin
│   ├── OtherPin                 the rollout is pinned to other names
│   ├── NoOwner                  the ConfigMap that is to own the Pins is not there
│   ├── LeftLease                a promotion died half-way, or could not undo what it did
│   ├── NothingBefore            the record names no pair to go back to
│   └── Denied                   the registry or the cluster refuses our credentials
└── NotYet               exit 4  temporary: the same command may succeed later
    ├── HalfMoved                the alias stands on halves of two pairs
    ├── Pending                  the registry is still making the version
    ├── PinLeaving               the Pin is of a release that was uninstalled
    ├── FolderBusy               another resolver is filling the pair folder
    ├── LeaseHeld                another promotion is under way
    ├── LeaseLost                another promotion took over in the middle of ours
    ├── MoveUndone               the move failed, and the pair before is back
    └── Unreachable              the registry or the cluster does not answer

Every message says which half is wrong; *mend* is the command that mends it, where there is one.
"""

from typing import ClassVar


class PairError(Exception):
    """A pair that cannot be served or moved."""

    #: Exit code of the command that meets it.
    exit_code: ClassVar[int] = 5

    def __init__(self, message: str, *, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    @property
    def document(self) -> dict[str, object]:
        """The error as a script reads it."""
        return {"error": self.message, "mend": self.mend, "temporary": isinstance(self, NotYet)}


class UnusableFolder(PairError):
    """A folder of the pair cannot be read or written, or the disk is full."""


class Refused(PairError):
    """Permanent: trying again changes nothing."""

    exit_code = 3


class UnknownName(Refused):
    """The registry has no such registered model, version or run."""


class NoAlias(Refused):
    """Neither half carries the alias."""


class NotReady(Refused):
    """The registry failed to make the version."""


class NotAPair(Refused):
    """Nothing says that the two versions belong together."""


class SchemaMisfit(Refused):
    """What the preprocessor gives is not what the model takes."""


class BadArtifact(Refused):
    """The artifact tree is not an MLflow model that can be trusted."""


class DigestMismatch(Refused):
    """The artifact is not the one that was pinned."""


class BadPin(Refused):
    """What is recorded for the rollout is not a Pin."""


class OtherPin(Refused):
    """The rollout is pinned already, to other registered models or another alias."""


class NoOwner(Refused):
    """The ConfigMap that is to own the Pins is not there."""


class LeftLease(Refused):
    """A promotion died half-way and left its intent."""


class NothingBefore(Refused):
    """The record names no pair to go back to."""


class Denied(Refused):
    """The registry or the cluster refuses our credentials."""


class NotYet(PairError):
    """Temporary: the same command may succeed later."""

    exit_code = 4


class HalfMoved(NotYet):
    """The alias stands on halves of two pairs, as it does in the middle of every move."""


class Pending(NotYet):
    """The registry is still making the version."""


class PinLeaving(NotYet):
    """The Pin is of a release that was uninstalled, and on its way out."""


class FolderBusy(NotYet):
    """Another resolver is filling the pair folder."""


class LeaseHeld(NotYet):
    """Another promotion is under way."""


class LeaseLost(NotYet):
    """Another promotion took over in the middle of ours."""


class MoveUndone(NotYet):
    """The move failed, and the pair before is back."""


class Unreachable(NotYet):
    """The registry or the cluster does not answer, or answers that it cannot."""
