"""What the documents promise is there."""

import re
import subprocess
import sys

import pytest
from documents import DOCUMENTS, ROOT

from twinpin.cli import COMMANDS

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"(?<![\w/])(?:\./)?(hack/[a-z][\w-]*)(?![\w./])")
SUBCOMMAND = re.compile(r"`twinpin ([a-z]+)")


def name(path):
    """Name a document in a test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_within_the_repository_lead_somewhere(document):
    """A heading is looked for in the file that it names."""
    for target in LINK.findall(document.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        place, _, heading = target.partition("#")
        file = (document.parent / place).resolve() if place else document

        assert file.exists(), target
        if heading and file.suffix == ".md":
            assert heading in anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_scripts_that_a_document_names_can_be_run(document):
    """Every `hack/...` in it is an executable file, a folder, or what scripts read."""
    for script in SCRIPT.findall(document.read_text()):
        path = ROOT / script

        assert path.is_dir() or path.stat().st_mode & 0o111 or not path.read_text().startswith("#!"), script


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_that_a_document_names_exist(document):
    """Every `twinpin ...` in it is a subcommand."""
    named = set(SUBCOMMAND.findall(document.read_text()))

    assert named <= set(COMMANDS), sorted(named - set(COMMANDS))


@pytest.mark.parametrize("document", sorted((ROOT / "docs").rglob("*.md")), ids=name)
def test_the_first_page_leads_to_every_other(document):
    """Nobody has to guess the name of a file."""
    first = ROOT / "docs" / "README.md"
    led = {(first.parent / target.partition("#")[0]).resolve() for target in LINK.findall(first.read_text())}

    assert document in {first, *led}


def test_the_page_of_settings_is_what_the_code_says():
    """It is generated: hack/settings-docs."""
    done = subprocess.run(
        [sys.executable, "-P", ROOT / "hack" / "settings_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_licence_is_the_unmodified_text():
    """Apache-2.0, so that tools recognise it."""
    text = (ROOT / "LICENSE").read_text()

    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text) == 11358


def anchors(file):
    """List the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
