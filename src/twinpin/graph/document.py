"""The InferenceGraph document, v1alpha1 of serving.kserve.io, exactly as the cluster gets it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError
from pydantic.alias_generators import to_camel

from twinpin.step.errors import TwinpinError

API_VERSION = "serving.kserve.io/v1alpha1"
ROOT = "root"
RESPONSE = "$response"


class _Loader(yaml.SafeLoader):
    """Reads a time as text, as Kubernetes does."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- the base class's own way
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class InvalidGraph(TwinpinError):
    """The graph document cannot be run as it is; the message says which line of it to change."""


class Part(BaseModel):
    """One object of the document: fields that we do not read are kept as they are."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, frozen=True)


class GraphStep(Part):
    """One step of a node: exactly one of nodeName, serviceName and serviceUrl."""

    name: str = ""
    node_name: str = ""
    service_name: str = ""
    service_url: str = ""
    data: str = ""
    map_predictions_to_instances: StrictBool = False
    weight: StrictInt | None = None
    condition: str = ""
    dependency: Literal["", "Soft", "Hard"] = ""

    @property
    def hard(self) -> bool:
        """Whether a failure of this step ends its node."""
        return self.dependency == "Hard"


class Node(Part):
    """One router: its kind and its steps."""

    router_type: Literal["Sequence", "Splitter", "Ensemble", "Switch"]
    steps: tuple[GraphStep, ...] = ()


class RouterTimeouts(Part):
    """Seconds; None: KServe's default, which is no limit for the client of the steps."""

    server_read: StrictInt | None = None
    server_write: StrictInt | None = None
    server_idle: StrictInt | None = None
    service_client: StrictInt | None = None


class GraphSpec(Part):
    """The nodes, and how the router's pods run, which only the cluster reads."""

    nodes: dict[str, Node] = Field(default_factory=dict)
    router_timeouts: RouterTimeouts | None = None
    #: Seconds for the whole request; KServe acts on it in Knative mode alone, our executor always.
    timeout: StrictInt | None = None


class InferenceGraph(Part):
    """One document: `load` makes it from YAML, `text` writes it back with the same content."""

    api_version: str = API_VERSION
    kind: Literal["InferenceGraph"] = "InferenceGraph"
    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: GraphSpec

    @property
    def name(self) -> str:
        """The name in its metadata, else empty."""
        return str(self.metadata.get("name", ""))

    def data(self) -> dict[str, Any]:
        """Return the document as the cluster gets it: what was given, no default added."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def text(self) -> str:
        """Return the document as YAML."""
        return yaml.safe_dump(self.data(), sort_keys=False, allow_unicode=True)

    def steps(self) -> Iterator[tuple[str, int, GraphStep]]:
        """List every step with its node's name and its place there."""
        for name, node in self.spec.nodes.items():
            for place, step in enumerate(node.steps):
                yield name, place, step


def load(source: Path | str) -> InferenceGraph:
    """Read a document from a file (a Path) or from YAML text (a str); raises InvalidGraph for its form.

    Whether it can run is asked by `twinpin.graph.check.check`.
    """
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        return InferenceGraph.model_validate(yaml.load(text, _Loader))  # noqa: S506 -- a SafeLoader less one type
    except OSError as error:
        raise InvalidGraph(f"the graph {source} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidGraph(f"the graph is not YAML: {error}") from error
    except ValidationError as error:
        raise InvalidGraph("the graph is not an InferenceGraph: " + "; ".join(_sentences(error))) from error


def builtin() -> InferenceGraph:
    """Return the graph of the design: entities go through features first, data and inputs do not."""
    return load(Path(__file__).with_name("forecast.yaml"))


def _sentences(error: ValidationError) -> Iterator[str]:
    """Name the place of each mistake as a path in the document."""
    for each in error.errors():
        yield (".".join(str(part) for part in each["loc"]) or "document") + ": " + each["msg"]
