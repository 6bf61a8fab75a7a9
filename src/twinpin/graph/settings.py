"""Settings of the graph's executor."""

from dataclasses import dataclass

from twinpin.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """How strictly a graph is read, and what goes on to its steps."""

    strict_graph: bool = setting(False, "Refuse a graph that KServe would take and silently misread.")
    propagate_headers: str = setting(
        "", "Comma-separated patterns of headers that every step gets, as the router's PROPAGATE_HEADERS."
    )

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns one by one."""
        return tuple(self.propagate_headers.split(",")) if self.propagate_headers else ()
