"""The CustomResourceDefinition of PairedGraph, made from its models: `python -m twinpin.rollout.crd` prints it."""

from typing import Any

import yaml

from twinpin.rollout.resource import GROUP, KIND, PLURAL, VERSION, Spec, Status

#: What of JSON Schema a structural schema takes over as it is.
_KEPT = ("type", "format", "enum", "minimum", "maximum", "default", "description")

_COLUMNS = (
    ("Pair", "string", ".status.stable.pair", "The pair that serves."),
    ("Candidate", "string", ".status.candidate.versions", "The pair that is on its way."),
    ("Phase", "string", ".status.phase", "Where it stands."),
    ("Age", "date", ".metadata.creationTimestamp", ""),
)


def definition() -> dict[str, Any]:
    """Make the CustomResourceDefinition."""
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _structural(Spec.model_json_schema(by_alias=True)) | {"default": {}},
        "status": _structural(Status.model_json_schema(by_alias=True)),
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(*each) for each in _COLUMNS],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    names = {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": KIND.lower(), "shortNames": ["pg"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def text() -> str:
    """Write it as YAML."""
    return yaml.safe_dump(definition(), sort_keys=False, width=120)


def _column(name: str, kind: str, path: str, description: str) -> dict[str, str]:
    """Make one column of `kubectl get pg`."""
    column = {"name": name.upper(), "type": kind, "jsonPath": path}
    return {**column, "description": description} if description else column


def _structural(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn pydantic's schema into one without references and unions."""
    definitions = schema.get("$defs", {})

    def turn(part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in part:
            return turn(
                {**definitions[part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
            )
        if "anyOf" in part:
            (one,) = (each for each in part["anyOf"] if each.get("type") != "null")
            return {**turn(one), "nullable": True}
        made = {key: part[key] for key in _KEPT if key in part and part[key] not in (None, [], {}, "")}
        if "properties" in part:
            made["properties"] = {name: turn(each) for name, each in part["properties"].items()}
        if isinstance(part.get("additionalProperties"), dict):
            made["additionalProperties"] = turn(part["additionalProperties"])
        if "items" in part:
            made["items"] = turn(part["items"])
        if "required" in part:
            made["required"] = part["required"]
        return made

    return turn(schema)


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
