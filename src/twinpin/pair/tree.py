"""Tree: a folder of artifacts as one value, with a digest, that appears on disk whole or not at all."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinpin.pair.errors import BadArtifact

#: Names that begin so are never part of anything: they are in the making, or on their way out.
SCRATCH = ".twinpin-"


def digest(tree: Path) -> str:
    """Compute `sha256:<hex>` over the names and contents of all files below *tree*.

    It is the SHA-256 of `<sha256 of the file> <relative name>` for each file, sorted by name, each ended by a NUL.
    Modes, times and empty folders do not count. BadArtifact for a link or a device: it is not content.
    """
    whole = hashlib.sha256()
    for name, path in sorted(_files(tree)):
        with path.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{part} {name}\0".encode())
    return f"sha256:{whole.hexdigest()}"


def copy(source: Path, target: Path) -> None:
    """Copy the files of a tree; links are copied as links, so that the digest refuses them."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile, dirs_exist_ok=True)


def sync(tree: Path) -> None:
    """Make a tree durable: every file, then every folder."""
    for folder, _, names in os.walk(tree, topdown=False):
        for name in names:
            _fsync(Path(folder, name))
        _fsync(Path(folder))


def move(source: Path, target: Path) -> bool:
    """Rename a durable tree to its place; False when something stands there already."""
    try:
        source.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    _fsync(target.parent)
    return True


def discard(tree: Path) -> None:
    """Take a tree out of its place at once, then delete it; one that is gone already is fine."""
    away = tree.with_name(f"{SCRATCH}{uuid.uuid4().hex}")
    try:
        tree.rename(away)
    except FileNotFoundError:
        return
    if away.is_dir() and not away.is_symlink():
        shutil.rmtree(away, ignore_errors=True)
    else:
        away.unlink(missing_ok=True)


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """Lend a folder inside *beside*, on the same file system, so that a rename out of it is atomic."""
    beside.mkdir(parents=True, exist_ok=True)
    folder = beside / f"{SCRATCH}{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, and a crash loses neither."""
    with scratch(path.parent) as folder:
        made = folder / path.name
        made.write_text(text, encoding="utf-8")
        _fsync(made)
        made.replace(path)
    _fsync(path.parent)


def create(path: Path, text: str) -> bool:
    """Write a file that does not exist yet; False when another was first. A reader never sees half of it."""
    with scratch(path.parent) as folder:
        made = folder / path.name
        made.write_text(text, encoding="utf-8")
        _fsync(made)
        try:
            path.hardlink_to(made)  # like O_EXCL, but with the content already there
        except FileExistsError:
            return False
    _fsync(path.parent)
    return True


def _files(tree: Path) -> Iterator[tuple[str, Path]]:
    """List the files below *tree* with their POSIX names."""
    for folder, folders, names in os.walk(tree):
        for name in (*folders, *names):
            path = Path(folder, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise BadArtifact(
                    f"The artifact holds {path.relative_to(tree).as_posix()!r}, which is neither a file nor a folder: "
                    "log it anew without links."
                )
            if path.is_file():
                yield path.relative_to(tree).as_posix(), path


def _fsync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
