"""hack/release, on a clone of this repository: one version everywhere, and nothing out of half a release."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys

import click
import pytest
from dockerfiles import ROOT

import releasing

KUBERNETES = re.search(r"^KUBERNETES_VERSION=(\S+)", (ROOT / "hack" / "versions").read_text(), re.MULTILINE)[1]
NEW = "9.8.7"


@pytest.fixture
def clone(tmp_path):
    """A clone of what is committed, with what is not as one more commit, and with news."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-tags", ROOT, folder], check=True)
    for key, value in {"user.name": "Tester", "user.email": "tester@example.com"}.items():
        releasing.git(folder, "config", key, value)
    changed = releasing.git(ROOT, "ls-files", "--modified", "--others", "--exclude-standard").splitlines()
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)
    changelog = folder / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## Unreleased\n", "## Unreleased\n\n### Added\n\n- News.\n", 1))
    releasing.git(folder, "add", "--all")
    releasing.git(folder, "commit", "--quiet", "--message", "As it is")
    return folder


def release(clone, *words):
    """Run the script's Python in the clone, as hack/release does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "releasing", *words],
        env=os.environ | {"PYTHONPATH": str(clone / "hack")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_place_that_tells_a_version_tells_the_same():
    """Code, chart, manifests, pages and the chart's tests."""
    places = {place.partition(":")[0] for place, _ in releasing.told(ROOT)}

    assert releasing.disagreeing(ROOT) == []
    assert {"src/twinpin/version.py", "helm/twinpin/Chart.yaml", "manifests/base/gateway.yaml"} <= places
    assert {"docs/images.md", "manifests/storage/mlflow.yaml"} <= places


def test_a_version_that_was_forgotten_is_named_with_its_place(clone):
    """File and line."""
    releasing.write(clone, NEW, dt.date(2026, 1, 2))
    chart = clone / "helm" / "twinpin" / "Chart.yaml"
    chart.write_text(chart.read_text().replace(f"appVersion: {NEW}", "appVersion: 9.8.6"))
    done = release(clone, "check")

    assert done.returncode == 1
    assert re.search(rf"helm/twinpin/Chart.yaml:\d+ says 9.8.6, not {NEW}", done.stderr)


@pytest.mark.usefixtures("helm_on_path")
def test_a_release_is_one_commit_with_everything_in_it(clone):
    """Version, changelog, manifests, and a tag on it; then the check says so, also with the tag's own name."""
    done = release(clone, "set", NEW, "--kube-version", KUBERNETES)
    checked = release(clone, "check", f"v{NEW}")

    assert done.returncode == 0, done.stderr
    assert (checked.returncode, checked.stdout) == (0, f"{NEW} everywhere\n")
    assert releasing.git(clone, "status", "--porcelain") == ""
    assert releasing.git(clone, "describe", "--exact-match") == f"v{NEW}"
    assert {tells for _, tells in releasing.told(clone)} == {NEW}
    assert releasing.git(clone, "log", "-1", "--format=%s") == f"Release {NEW}"


def test_the_changelog_keeps_its_lines_under_a_date(clone):
    """What was unreleased is what this version brings; the next lines have a place again."""
    before = (clone / "CHANGELOG.md").read_text()
    releasing.write(clone, NEW, dt.date(2026, 1, 2))
    after = (clone / "CHANGELOG.md").read_text()

    assert after.replace(f"\n## {NEW} - 2026-01-02\n", "", 1) == before
    assert releasing.released(clone)[0] == NEW
    assert release(clone, "notes", NEW).stdout.startswith("### ")


def test_what_cannot_be_released_is_refused_and_changes_nothing(clone):
    """Each in a sentence."""
    with pytest.raises(click.ClickException, match="is no version"):
        releasing.require_new(clone, "1.2")
    releasing.git(clone, "tag", f"v{NEW}")
    with pytest.raises(click.ClickException, match=f"tag v{NEW} is there already"):
        releasing.require_new(clone, NEW)
    (clone / "README.md").write_text("changed")
    with pytest.raises(click.ClickException, match="commit or stash them first"):
        releasing.require_new(clone, "9.9.0")


def test_a_version_below_the_last_one_or_without_news_is_refused(clone):
    """It would replace a newer one at whoever asks for the newest."""
    releasing.write(clone, NEW, dt.date(2026, 1, 2))
    releasing.git(clone, "commit", "--quiet", "--all", "--message", "Released")

    with pytest.raises(click.ClickException, match=f"is not newer than {NEW}"):
        releasing.require_new(clone, "9.8.6")
    with pytest.raises(click.ClickException, match="has nothing under"):
        releasing.require_new(clone, "9.9.0")


@pytest.mark.usefixtures("helm_on_path")
def test_a_release_that_fails_leaves_the_tree_as_it_was(clone):
    """Here the chart cannot be rendered."""
    chart = clone / "helm" / "twinpin" / "templates" / "gateway.yaml"
    chart.write_text('{{ fail "broken" }}')
    releasing.git(clone, "commit", "--quiet", "--all", "--message", "Break the chart")
    done = release(clone, "set", NEW, "--kube-version", KUBERNETES)

    assert done.returncode != 0
    assert "broken" in done.stderr
    assert releasing.git(clone, "status", "--porcelain") == ""
    assert releasing.git(clone, "tag", "--list") == ""
