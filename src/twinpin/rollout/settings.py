"""Settings of the controller and of the commands around it; what the release itself wants stands in its PairedGraph."""

import dataclasses

from twinpin.settings import setting


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Which release, and for how long a command waits."""

    release: str = setting("forecast", "Full name of the release: that of its PairedGraph and its InferenceGraph.")
    wait_seconds: float = setting(1200.0, "Seconds for which a command waits for a rollout.", least=1)
