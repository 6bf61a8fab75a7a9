"""Settings of following the alias."""

from dataclasses import dataclass

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Whether and how `twinpin serve` follows the alias."""

    follow: bool = setting(False, "Serve the pair that the alias is moved to, without a restart.")
    follow_interval: float = setting(10.0, "Seconds between two looks at the alias.", least=0.1)
    follow_keep: int = setting(1, "Pairs before the one that serves that stay loaded, for the way back.", least=0)
    paired_graph: str | None = setting(
        None,
        "PairedGraph in whose record all pods of a release agree which pair they serve, and that says how often to "
        "look and how many pairs to keep; without one the record is a file of this process.",
    )
