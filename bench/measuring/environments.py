"""Environments: one per peer, made by uv in the user's cache when it is first needed."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from measuring.place import HOME

REQUIREMENTS = Path(__file__).parent.parent / "peers" / "requirements"


def environment(name: str) -> Path:
    """Return the folder of a peer's programs; make its environment anew where its requirements changed."""
    folder = HOME / name
    stamp, wanted = folder / "requirements.sha256", _digest(name)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"making {folder} for {name}", file=sys.stderr)
        _make(name, folder)
        stamp.write_text(wanted)
    return folder / "bin"


def _make(name: str, folder: Path) -> None:
    """Fill the folder; the stamp is written after it, so that half an environment is none."""
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not on PATH; bench/run puts it there")
    requirements = REQUIREMENTS / f"{name}.txt"
    venv = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder]
    python = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", requirements]
    for command in (venv, install):
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(
                f"the environment of the peer {name} could not be made (see above); `--servers` leaves it out: "
                "name those that are wanted"
            )


def _digest(name: str) -> str:
    """Tell this state of the requirements, on this Python, from any other."""
    texts = [(REQUIREMENTS / f"{each}.txt").read_text() for each in ("pair", name)]
    return hashlib.sha256("\n".join([sys.version, *texts]).encode()).hexdigest()
