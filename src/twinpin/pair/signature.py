"""The signature of an MLflow model, read from its MLmodel file without MLflow: resolvers and fast paths have none.

The two fields `inputs` and `outputs` of MLmodel's `signature` are JSON texts, each a list of columns
(`{"type": "double", "name": "a", "required": true}`) or of tensors (`{"type": "tensor", "tensor-spec": ...}`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from twinpin.pair.errors import BadArtifact

#: MLflow types of columns that say nothing of numbers or text.
OPEN = frozenset({"any", "map", "object"})


@dataclass(frozen=True, slots=True)
class Spec:
    """One column or one tensor of a signature."""

    name: str | None
    #: A column's MLflow type (`double`, `string`, ...; of an array that of its items), or a tensor's numpy type.
    dtype: str
    #: Shape of a tensor, -1 where any length fits; None for a column.
    shape: tuple[int, ...] | None = None
    #: Whether each value of the column is an array.
    array: bool = False
    required: bool = True

    @property
    def open(self) -> bool:
        """Whether the type leaves open what a value is, as that of a function without type hints does."""
        return self.shape is None and self.dtype in OPEN

    @property
    def tensor(self) -> bool:
        """Whether this is a tensor rather than a column."""
        return self.shape is not None


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives; None where it declares nothing."""

    inputs: tuple[Spec, ...] | None
    outputs: tuple[Spec, ...] | None


def read_mlmodel(tree: Path) -> Mapping[str, Any]:
    """Read the MLmodel file of an artifact *tree*; BadArtifact when it has none that can be read."""
    try:
        document = yaml.safe_load((tree / "MLmodel").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadArtifact("The artifact has no MLmodel file, so it is not an MLflow model: log it anew.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadArtifact("The artifact's MLmodel file is not YAML: log the model anew.") from error
    if not isinstance(document, dict):
        raise BadArtifact("The artifact's MLmodel file is not a mapping: log the model anew.")
    return document


def read_signature(tree: Path) -> Signature | None:
    """Read the signature of an artifact *tree*: None when it declares none, BadArtifact when it cannot be read."""
    return parse_signature(read_mlmodel(tree))


def parse_signature(mlmodel: Mapping[str, Any]) -> Signature | None:
    """Take the signature from the contents of an MLmodel file."""
    declared = mlmodel.get("signature")
    if not declared:
        return None
    try:
        return Signature(_side(declared.get("inputs")), _side(declared.get("outputs")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadArtifact(
            "The artifact's signature cannot be read: log the model anew with infer_signature."
        ) from error


def _side(text: str | None) -> tuple[Spec, ...] | None:
    """Parse one side, the JSON text of a list."""
    if text is None:
        return None
    documents = json.loads(text)
    if len(documents) == 1 and documents[0]["type"] == "object" and documents[0].get("name") is None:
        documents = _fields(documents[0])
    return tuple(_spec(each) for each in documents) or None


def _fields(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read rows that are objects, as `list[SomeModel]` declares them, as the columns that their fields are."""
    return [{"name": name, **declared} for name, declared in document["properties"].items()]


def _spec(document: Mapping[str, Any]) -> Spec:
    """Parse one column or tensor."""
    if document["type"] == "tensor":
        tensor = document["tensor-spec"]
        return Spec(document.get("name"), str(tensor["dtype"]), tuple(int(each) for each in tensor["shape"]))
    items: Any = document
    while items["type"] == "array":
        items = items["items"]
    return Spec(
        name=document.get("name"),
        dtype=str(items["type"]),
        array=document["type"] == "array",
        required=bool(document.get("required", True)),
    )
