"""Whoever follows docs/your-own-pair.md word by word comes to forecasts of an own model, and by README to the demo."""

import json
import shutil
import subprocess

import pytest
from documents import PROMPTS, ROOT, blocks
from terminal import Terminal, shows

PAGE = ROOT / "docs" / "your-own-pair.md"
#: Sections of the page that a laptop is enough for.
HERE = ("Set up", "Features", "Train and register", "Serve it here", "The next pair")
#: What does not end by itself, and the port that it listens on.
SERVERS = {"mlflow server": 5000, "twinpin serve": 8080, "./hack/demo": 8080}

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def clone(tmp_path):
    """The files of the repository, as somebody gets them who clones it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path / "twinpin"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def follow(terminal, block, folder):
    """Do what a block says: write its file, or type its commands and see what it shows."""
    if block.language not in PROMPTS:
        file = folder / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
        return
    for command in block.commands:
        server = next((each for each in SERVERS if command.text.startswith(each)), None)
        if server is not None:
            terminal.serve(command.text, SERVERS[server], command.shown)
            continue
        status, printed = terminal.type(command.text)
        assert status == 0, f"{command.text}\n{printed}"
        for line in command.shown:
            assert shows(printed, line), f"{command.text} printed {printed!r}, and the page shows {line!r}"


def test_the_page_leads_from_a_clone_to_the_next_pair(clone):
    """Every file and command of its sections in their order, and what the page shows after them."""
    walked = [block for block in blocks(PAGE) if block.heading in HERE]
    with Terminal(clone, clone.parent, {5000, 8080, 8081}, TWINPIN_GRPC_PORT="0") as terminal:
        terminal.type(f"export TWINPIN_HTTP_PORT={terminal.port(8080)}")
        for block in walked:
            follow(terminal, block, clone.parent / "shop")

    assert {block.heading for block in walked} == set(HERE)


def test_the_readmes_demo_forecasts(tmp_path):
    """Its ports are others here; what is trained before is taken again."""
    (demo,) = (
        block for block in blocks(ROOT / "README.md") if block.commands and block.commands[0].text == "./hack/demo"
    )
    start, ask = (command.text for command in demo.commands)
    with Terminal(ROOT, tmp_path, {8080, 8081}) as terminal:
        terminal.serve(f"{start} --port 8080 --grpc-port 8081", 8080, ())
        status, printed = terminal.type(ask)

    assert status == 0, printed
    assert len(json.loads(printed)["prediction"]) == 24
