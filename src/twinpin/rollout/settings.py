"""Settings of the controller and of the commands around it; what the release itself wants stands in its PairedGraph."""

import dataclasses

from twinpin.settings import setting


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Which release, and for how long a command waits."""

    release: str = setting("forecast", "Full name of the release: that of its PairedGraph and its InferenceGraph.")
    wait_seconds: float = setting(1200.0, "Seconds for which a command waits for a rollout.", least=1)


@dataclasses.dataclass(frozen=True, slots=True)
class FaceSettings:
    """The controller's own address, and when it takes itself for stuck."""

    controller_host: str = setting("0.0.0.0", "Address that the controller listens on.")  # noqa: S104 -- a pod is reached from outside
    controller_port: int = setting(
        -1, "Port of the controller's webhook, metrics and health; 0: any free one, -1: none.", least=-1, most=65535
    )
    webhook_secret: str | None = setting(
        None, "Secret that MLflow signs its webhooks with, better given as variable; without it none is taken."
    )
    stuck_seconds: float = setting(
        900.0, "Seconds after which a round of the controller that has no end is reported by /livez.", least=1
    )
