"""Dockerfiles as text: their stages, what a target is made of, and what each layer installs."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

#: Target -> the Dockerfile that makes it.
PLACES = {
    "features": "transformers/Dockerfile",
    "preprocess": "transformers/Dockerfile",
    "predict": "predictor/Dockerfile",
    "predict-gpu": "predictor/Dockerfile",
    "gateway": "src/Dockerfile",
    "resolve": "src/Dockerfile",
    "rollout": "src/Dockerfile",
    "serve": "src/Dockerfile",
}

#: Target -> the extras of the wheel whose packages it holds.
EXTRAS = {target: (target, "otel") for target in PLACES} | {
    "resolve": ("resolve",),
    "rollout": ("rollout",),
    "serve": ("features", "preprocess", "predict", "gateway", "otel", "resolve"),
}

#: What our Dockerfiles leave out of the lock file: named as a need by Feast or kserve, and imported by neither.
PRUNED = ("mypy", "grpcio-tools")


@dataclass
class Stage:
    """One FROM and what follows it, each instruction as one line."""

    name: str
    base: str
    lines: list[str] = field(default_factory=list)

    def of(self, instruction):
        """Arguments of every instruction of one kind."""
        return [line.split(None, 1)[1] for line in self.lines if line.split(None, 1)[0] == instruction]


def instructions(text):
    """One line for each instruction, without comments."""
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [line for line in re.sub(r"\\\n", "", bare).splitlines() if line.strip()]


def stages(path):
    """The stages of a Dockerfile by name, in its order."""
    found = {}
    for line in instructions((ROOT / path).read_text()):
        if match := re.fullmatch(r"FROM (\S+)(?: AS (\S+))?", line):
            stage = Stage(match[2] or "", match[1])
            found[stage.name] = stage
        elif found:
            stage.lines.append(line)
    return found


def chain(target):
    """The stages that a target's layers come from, the lowest first."""
    of_file = stages(PLACES[target])
    found = [of_file[target]]
    while found[0].base in of_file:
        found.insert(0, of_file[found[0].base])
    return found


def layers(target):
    """Names of the package layers of a target, the lowest first."""
    copies = [copy for stage in chain(target) for copy in stage.of("COPY")]
    return [match[1] for copy in copies if (match := re.match(r"--from=(\S+)-packages ", copy))]


def run_lock_stage(path, folder):
    """Run what a Dockerfile's lock stage runs, on the lock file as it stands; returns requirements by layer."""
    for name in ("pyproject.toml", "uv.lock"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    for script in stages(path)["lock"].of("RUN"):
        subprocess.run(["sh", "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return {file.stem: set(file.read_text().splitlines()) for file in folder.glob("*.txt")}


def locked(*extras):
    """What uv.lock says that these extras need, one requirement a line, with its hashes."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-project", "--no-header"]
    options = [word for extra in extras for word in ("--extra", extra)]
    pruned = [word for name in PRUNED for word in ("--prune", name)]
    done = subprocess.run(
        [*command, "--no-annotate", *options, *pruned], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(re.sub(r" *\\\n *", " ", done.stdout).splitlines())


def applicable(requirements, python="3.11"):
    """The requirements that count on Linux with that Python: name, version and hashes, without the condition."""
    found = set()
    for line in requirements:
        text, *hashes = line.split(" --hash=")
        requirement = Requirement(text)
        place = {"python_version": python, "python_full_version": f"{python}.2", "sys_platform": "linux"}
        if requirement.marker is None or requirement.marker.evaluate(place):
            found.add((requirement.name, str(requirement.specifier), *sorted(hashes)))
    return found
