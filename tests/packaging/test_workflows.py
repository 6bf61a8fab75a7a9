"""The workflows of .github: what they call, what they may, and that they are the checks of .ci/run."""

import re
import subprocess

import pytest
import yaml
from dockerfiles import ROOT

FILES = {path.name: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
WORKFLOWS = {name: yaml.load(path.read_text(), yaml.BaseLoader) for name, path in FILES.items()}
JOBS = {f"{name}: {job}": each for name, workflow in WORKFLOWS.items() for job, each in workflow["jobs"].items()}
#: Rights beside reading -> the only job that has them.
WRITES = {"release.yml: release": {"contents", "packages", "id-token", "attestations"}}
SCRIPT = re.compile(r"(?<![\w/.])hack/[a-z][\w/-]*")


def scripts(*steps):
    """The scripts that some steps call."""
    return {script for step in steps for script in SCRIPT.findall(step.get("run", ""))}


def test_workflows_were_found():
    """A folder of another name would leave nothing to look at."""
    assert {"ci.yml", "audit.yml", "release.yml"} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_action_is_one_commit_and_says_which_release_it_is(name):
    """A tag can be moved to other code, and a bare number tells nobody how old it is."""
    used = [line.strip() for line in FILES[name].read_text().splitlines() if re.search(r"\buses:", line)]

    assert used
    assert [
        line for line in used if not re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


def test_an_action_is_at_one_commit_everywhere():
    """So that an update is one line to look at."""
    used = {match for path in FILES.values() for match in re.findall(r"uses: (\S+)@(\w+)", path.read_text())}

    assert len(used) == len({action for action, _ in used})


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_has_no_right_but_those_of_its_jobs(name):
    """And no trigger that runs a stranger's code with them."""
    assert WORKFLOWS[name]["permissions"] == {}
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(WORKFLOWS[name]["on"])


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_read_and_only_the_release_may_write(job):
    """What a job may is said in full; what is not said is none."""
    rights = JOBS[job]["permissions"]

    assert {right for right, kind in rights.items() if kind == "write"} == WRITES.get(job, set())
    assert set(rights) - WRITES.get(job, set()) <= {"contents"}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_and_leaves_no_token_in_the_checkout(job):
    """A script of a dependency would find it there."""
    checkouts = [step for step in JOBS[job]["steps"] if step.get("uses", "").startswith("actions/checkout@")]

    assert 0 < int(JOBS[job]["timeout-minutes"]) <= 90
    assert [step["with"]["persist-credentials"] for step in checkouts] == ["false"]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_calls_scripts_that_are_there(job):
    """As a developer calls them; what a workflow alone can do nobody can try."""
    called = scripts(*JOBS[job]["steps"])

    assert called
    assert [each for each in called if not (ROOT / each).stat().st_mode & 0o111] == []


@pytest.mark.parametrize("job", JOBS)
def test_what_github_fills_in_is_never_part_of_a_script(job):
    """A branch may be called `$(curl …)`."""
    assert [step["run"] for step in JOBS[job]["steps"] if "${{" in step.get("run", "")] == []


def test_pull_requests_are_checked_as_ci_checks():
    """.ci/run and the workflow call the same scripts."""
    run = re.sub(r"#.*|^source .*", "", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    steps = [step for job in WORKFLOWS["ci.yml"]["jobs"].values() for step in job["steps"]]

    assert scripts(*steps) == set(SCRIPT.findall(run))


def test_the_linter_of_workflows_finds_nothing():
    """Also where somebody runs the tests alone; it needs no network."""
    done = subprocess.run(
        ["zizmor", "--offline", "--persona", "pedantic", "--quiet", ROOT / ".github"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
