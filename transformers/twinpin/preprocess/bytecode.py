"""Bytecode in pickles: code that only the Python which wrote it can run.

Cloudpickle writes a class or function that it cannot import again (one of a notebook, a lambda) by value, as bytecode.
Another minor version of Python does not refuse such bytecode: it crashes, without a word, when it comes to run it.
"""

import mmap
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from twinpin.step.errors import CannotStart

#: What cloudpickle writes before each piece of bytecode.
MARK = b"CodeType"


def require_python(tree: Path, flavours: Mapping[str, Any]) -> None:
    """Raise CannotStart where the artifact *tree* holds bytecode of another minor version of Python."""
    written = _written_by(tree, flavours)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if written is None or _minor(written) == here or not any(map(_holds_bytecode, tree.rglob("*.pkl"))):
        return
    raise CannotStart(
        f"The preprocessor holds compiled code of Python {written}, which Python {here} cannot run: serve it with "
        f"Python {_minor(written)}, or log it with Python {here}, or as models from code, which any Python runs."
    )


def _written_by(tree: Path, flavours: Mapping[str, Any]) -> str | None:
    """Find the version of Python that logged the artifact; None where it does not say."""
    declared = flavours.get("python_function", {}).get("python_version")
    environment = tree / "python_env.yaml"
    if declared is None and environment.is_file():
        document = yaml.safe_load(environment.read_text(encoding="utf-8"))
        declared = document.get("python") if isinstance(document, dict) else None
    return None if declared is None else str(declared)


def _minor(version: str) -> str:
    """Cut 3.11.7 to 3.11."""
    return ".".join(version.split(".")[:2])


def _holds_bytecode(pickled: Path) -> bool:
    """Look for the mark, without reading a large model into memory."""
    if not pickled.stat().st_size:
        return False
    with pickled.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(MARK) >= 0
