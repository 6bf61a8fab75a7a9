"""Releasing: one version in code, chart, manifests, pages and changelog, set by one command and compared by another."""

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from sbom import IMAGES

ROOT = Path(__file__).parents[1]
#: Where a version of ours stands, in a file of any kind: before it, the version, nothing after.
FORM = r"(\d+\.\d+\.\d+)(?![.\d])"
#: Files -> what stands before the version in them.
TOLD = {
    "src/twinpin/version.py": r'__version__ = "',
    "helm/twinpin/Chart.yaml": r"(?m:^(?:appVersion|version): )",
    "**/*": rf"twinpin-(?:{'|'.join(sorted(IMAGES, key=len, reverse=True))}|\$name):",
    "manifests/**/*.yaml": r"app\.kubernetes\.io/version: ",
}
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "## Unreleased\n"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Set the version, or compare what tells it."""


@main.command()
@click.argument("version", required=False)
def check(version: str | None) -> None:
    """Fail where two places tell different versions, or another one than VERSION, or where it is not released."""
    require_agreement(ROOT, version.removeprefix("v") if version else None)
    click.echo(f"{next(iter(told(ROOT)))[1]} everywhere")


@main.command()
@click.argument("version")
def notes(version: str) -> None:
    """Print what the changelog says of VERSION."""
    text = (ROOT / CHANGELOG).read_text()
    found = re.search(
        rf"^## {re.escape(version.removeprefix('v'))} - \S+\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise click.ClickException(f"{CHANGELOG} has no heading for {version}")
    click.echo(found[1].strip())


@main.command("set")
@click.argument("version")
@click.option("--kube-version", required=True, help="Kubernetes to render the manifests for.")
def set_everywhere(version: str, kube_version: str) -> None:
    """Set VERSION, move the changelog's lines below it, render the manifests, and commit and tag that."""
    require_new(ROOT, version)
    try:
        write(ROOT, version, dt.datetime.now(dt.UTC).date())
        render = [sys.executable, "-P", "-m", "rendering", "--kube-version", kube_version]
        subprocess.run(render, check=True, env=os.environ | {"PYTHONPATH": str(ROOT / "hack")})
        require_agreement(ROOT, version)
        git(ROOT, "commit", "--quiet", "--all", "--message", f"Release {version}")
        git(ROOT, "tag", "--annotate", f"v{version}", "--message", f"Twinpin {version}")
    except BaseException:
        git(ROOT, "restore", "--staged", "--worktree", ".")  # it was clean before
        raise
    click.echo(f"{version} is committed and tagged v{version}")


def told(root: Path) -> Iterator[tuple[str, str]]:
    """List the versions that tracked files tell, each with its place: file and line."""
    for name in git(root, "ls-files").splitlines():
        for pattern in patterns(name):
            text = (root / name).read_text(errors="ignore")
            for found in re.finditer(f"(?:{pattern}){FORM}", text):
                yield f"{name}:{text.count(chr(10), 0, found.start()) + 1}", found[1]


def patterns(name: str) -> Iterator[str]:
    """What stands before a version in a file of this name."""
    if name == CHANGELOG or name.startswith(("docs/decisions/", "docs/performance")):
        return  # what was true then
    for places, pattern in TOLD.items():
        top, _, ending = places.partition("**/*")
        if name == places or ("*" in places and name.startswith(top) and name.endswith(ending)):
            yield pattern


def require_agreement(root: Path, version: str | None) -> None:
    """Refuse places that tell another version than the rest."""
    if wrong := disagreeing(root, version):
        raise click.ClickException("\n  ".join(["versions differ, and hack/release sets them:", *wrong]))


def disagreeing(root: Path, version: str | None = None) -> list[str]:
    """List the places that tell another version than the code does.

    Where a *version* is given: than that one, which must have its heading in the changelog.
    """
    found = [*told(root)]
    wanted = version or next(tells for place, tells in found if place.startswith("src/twinpin/version.py"))
    wrong = [f"{place} says {tells}, not {wanted}" for place, tells in found if tells != wanted]
    if version and version not in released(root):
        wrong.append(f"{CHANGELOG} has no heading '## {version} - DATE'")
    return wrong


def released(root: Path) -> list[str]:
    """List the versions that the changelog has, the newest first."""
    return re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (root / CHANGELOG).read_text(), re.MULTILINE)


def require_new(root: Path, version: str) -> None:
    """Refuse a version that is none, that was there, or that has nothing to tell."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise click.ClickException(
            f"{version!r} is no version: three numbers, such as 1.2.3, which Python and Helm both read."
        )
    if git(root, "status", "--porcelain"):
        raise click.ClickException("there are changes that no commit has: commit or stash them first.")
    before = released(root)
    if before and _numbers(version) <= max(map(_numbers, before)):
        raise click.ClickException(f"{version} is not newer than {before[0]}, which was released.")
    if git(root, "tag", "--list", f"v{version}"):
        raise click.ClickException(f"the tag v{version} is there already.")
    if not _unreleased(root).strip():
        raise click.ClickException(f"{CHANGELOG} has nothing under '{UNRELEASED.strip()}': say what is new.")


def write(root: Path, version: str, day: dt.date) -> None:
    """Set the version in every file that tells one, and date the changelog."""
    for name in git(root, "ls-files").splitlines():
        for pattern in patterns(name):
            text = (root / name).read_text(errors="surrogateescape")
            if (made := re.sub(f"({pattern}){FORM}", rf"\g<1>{version}", text)) != text:
                (root / name).write_text(made, errors="surrogateescape")
    changelog = root / CHANGELOG
    dated = f"{UNRELEASED}\n## {version} - {day.isoformat()}\n"
    changelog.write_text(changelog.read_text().replace(UNRELEASED, dated, 1))


def git(root: Path, *words: str) -> str:
    """Run git; what it says of an error is on the terminal."""
    return subprocess.run(["git", "-C", root, *words], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _unreleased(root: Path) -> str:
    """Read what the changelog has for the next release."""
    return (root / CHANGELOG).read_text().partition(UNRELEASED)[2].partition("\n## ")[0]


def _numbers(version: str) -> tuple[int, ...]:
    """Make a version comparable."""
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    main(prog_name="hack/release")
