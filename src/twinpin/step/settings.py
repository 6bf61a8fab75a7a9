"""Settings of a step's server; the gateway and `twinpin serve` use the same ones."""

from dataclasses import dataclass
from typing import Literal

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a server listens, and what it takes on."""

    host: str = setting("0.0.0.0", "Address to listen on.")  # noqa: S104 -- a pod is reached from outside
    http_port: int = setting(8080, "Port of REST; 0: any free one.", least=0, most=65535)
    grpc_port: int = setting(8081, "Port of gRPC; 0: any free one, -1: no gRPC.", least=-1, most=65535)
    step_name: str | None = setting(None, "Name of a step in /v2/models/NAME; default: its own.")
    threads: int = setting(2, "Threads that do the CPU work of requests.", least=1)
    max_in_flight: int = setting(64, "Requests taken at a time; one more is answered 429.", least=1)
    max_body_bytes: int = setting(8 << 20, "Largest request body in bytes; a larger one is answered 413.", least=1)
    max_rows: int = setting(10_000, "Most rows in one request; more are answered 413.", least=1)
    request_timeout: float = setting(30.0, "Seconds that a request may take; over it the answer is 504.", least=0.001)
    keep_alive: int = setting(
        120, "Seconds that an idle connection stays open; above the 90 of KServe's router.", least=1
    )
    drain_wait: float = setting(1.0, "Seconds between SIGTERM (not ready) and the last accepted connection.", least=0)
    drain_timeout: float = setting(30.0, "Seconds that requests in flight get to finish after that.", least=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "Least level that is logged: DEBUG, INFO, WARNING or ERROR."
    )
    log_requests: int = setting(
        0, "One of so many requests is logged, the same ones in every process; 0: those that failed alone.", least=0
    )


@dataclass(frozen=True, slots=True)
class ObserveSettings:
    """What the metrics say of a pair's inputs, in the preprocess step, and of its forecasts, in the predict step."""

    observe: bool = setting(
        default=False, help="Sum up inputs and forecasts of each pair in the metrics, by a few requests a second."
    )
    observe_interval: float = setting(
        0.5, "Seconds between two requests that are looked at for that; 0: each one.", least=0
    )
    observe_columns: int = setting(
        32, "Numeric inputs that are summed up: the first so many of the preprocessor's signature.", least=1
    )
