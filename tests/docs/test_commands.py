"""Every command that a document tells a reader to type is run by a test: followed as it stands, or named here."""

import itertools
import re
import shlex
import subprocess

import click
import pytest
import yaml
from documents import DOCUMENTS, PROMPTS, ROOT, blocks

from twinpin.cli import main

PAGE = "docs/your-own-pair.md"
WALK = "tests/docs/test_walk.py::test_the_page_leads_from_a_clone_to_the_next_pair"
COMMANDS = "tests/cluster/test_cluster_commands.py"
INSTALL = "tests/cluster/test_cluster_install.py::test_helm_install_makes_every_part_ready"
HELM_TEST = "tests/cluster/test_cluster_install.py::test_helm_test_passes_and_fails_where_there_is_no_forecast"
SHARE = f"{COMMANDS}::test_a_new_pair_gets_its_share_until_somebody_decides"
PIPELINE = f"{COMMANDS}::test_a_pipeline_brings_the_first_pair_live"
BACK = f"{COMMANDS}::test_a_way_back_needs_no_canary"
HISTORY = f"{COMMANDS}::test_the_history_tells_all_of_it"
IMAGES = "tests/packaging/test_images.py::test_it_holds_the_locked_packages_and_no_other"
JUDGED = "tests/cluster/test_cluster_accidents_canary.py::test_a_canary_that_fails_requests_ends_by_itself"
LIMITS = "tests/unit/rollout/test_rollout_commands.py::test_a_share_keeps_the_limits_that_somebody_set"
STANDBY = "tests/cluster/test_cluster_pin.py::test_a_new_rollout_serves_what_the_alias_is_on_then"
RENDERED = "tests/chart/test_chart_pages.py::test_values_that_a_page_shows_render"

#: (page, heading of the section) -> what runs its blocks, in the blocks' order; a file stands for all of its tests.
TABLE = {
    ("README.md", "Try it"): ["tests/docs/test_walk.py::test_the_readmes_demo_forecasts", ".ci/run"],
    ("README.md", "On Kubernetes"): [
        [
            "tests/manifests/test_manifests_on_a_cluster.py::test_kind_up_ends_with_a_forecast",
            INSTALL,
            "tests/manifests/test_kustomizations.py::test_every_overlay_builds",
            "tests/manifests/test_manifests_on_a_cluster.py::test_the_api_server_takes_every_object",
        ],
        [PIPELINE, SHARE, BACK, HISTORY],
        ".ci/run",
    ],
    ("README.md", "Your own pair and features"): [
        "tests/integration/serve/test_serve_forecasts.py::test_an_entity_now_and_then"
    ],
    **{
        (PAGE, heading): WALK
        for heading in ("Set up", "Features", "Train and register", "Serve it here", "The next pair")
    },
    (PAGE, "On your cluster"): [
        "tests/packaging/test_images_at_work.py::test_features_reads_a_repository",
        IMAGES,
        RENDERED,
        [INSTALL, HELM_TEST],
        [SHARE, PIPELINE, BACK, HISTORY],
    ],
    (PAGE, "A recorded example"): [
        "tests/unit/pair/test_example.py::test_a_forecast_is_right_when_it_is_the_recorded_one"
    ],
    (PAGE, "Series, in KServe's schema"): [
        "tests/docs/test_examples.py::test_the_series_of_the_page_are_read_as_it_says"
    ],
    ("docs/images.md", "Build"): [IMAGES],
    ("docs/images.md", "Add packages"): [
        "tests/packaging/test_images_at_work.py::test_the_page_tells_how_to_add_a_package"
    ],
    ("docs/kubernetes.md", "Images"): [
        [IMAGES, "tests/packaging/test_dockerfiles.py::test_the_script_names_images_without_building_any"]
    ],
    ("docs/kubernetes.md", "Install"): [RENDERED, [INSTALL, HELM_TEST]],
    ("docs/kubernetes.md", "The pair"): ["tests/cluster/test_cluster_pin.py::test_the_pin_cannot_be_changed"],
    ("docs/kubernetes.md", "A new pair"): [PIPELINE, PIPELINE, [BACK, HISTORY], SHARE, [JUDGED, LIMITS]],
    ("docs/kubernetes.md", "Monitoring"): [RENDERED],
    ("docs/kubernetes.md", "MLflow's webhooks"): ["tests/cluster/test_cluster_webhook.py::test_a_move_is_seen_at_once"],
    ("docs/kubernetes.md", "From a pipeline, without a controller"): [PIPELINE],
    ("docs/kubernetes.md", "By Helm alone"): [STANDBY],
    ("docs/kubernetes.md", "Remove it"): ["tests/cluster/test_cluster_direct.py::test_uninstall_leaves_nothing"],
    ("docs/observing.md", "Turn traces on"): ["tests/integration/serve/test_traces.py::test_one_request_is_one_trace"],
    ("docs/observing.md", "Logs"): [
        "tests/integration/serve/test_traces.py::test_every_process_logs_the_same_requests"
    ],
    ("docs/operations.md", "Look first"): [[PIPELINE, HISTORY]],
    ("docs/performance.md", "Performance"): [
        "tests/integration/bench/test_bench_runs.py::test_a_measurement_prints_its_tables"
    ],
    ("docs/security.md", "Tokens by oauth2-proxy"): [
        RENDERED,
        "tests/manifests/test_auth.py::test_the_pages_patch_lets_nobody_but_it_reach_the_gateway",
        "tests/integration/serve/test_tokens.py::test_a_good_token_gets_the_forecast",
    ],
    ("docs/security.md", "Releases"): [".github/workflows/release.yml"],  # only what it made can be verified
    ("helm/twinpin/README.md", "Install"): [INSTALL],
    ("helm/twinpin/README.md", "Another pair"): [STANDBY],
    ("helm/twinpin/README.md", "Pairs by themselves"): [PIPELINE],
    ("manifests/README.md", "Apply it"): [
        "tests/manifests/test_kustomizations.py::test_the_readme_mends_kedas_queries"
    ],
    ("hack/cluster/README.md", "A Kubernetes with KServe, without an image registry"): ["hack/test-cluster"],
}
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
TYPED = [block for block in BLOCKS if block.language in PROMPTS]


def sections():
    """The blocks of each section, in their order."""
    found = {}
    for block in BLOCKS:
        found.setdefault((block.page, block.heading), []).append(block)
    return found


def named():
    """Every test or script that the table names."""
    for runs in TABLE.values():
        for run in [runs] if isinstance(runs, str) else runs:
            yield from [run] if isinstance(run, str) else run


@pytest.mark.parametrize("section", sections(), ids=str)
def test_each_block_has_what_runs_it(section):
    """A block that is added needs a line of its own in the table."""
    assert section in TABLE
    runs = TABLE[section]
    assert isinstance(runs, str) or len(runs) == len(sections()[section])


def test_the_table_names_sections_that_are_there():
    """What is gone from a page goes from the table."""
    assert TABLE.keys() <= sections().keys()


@pytest.mark.parametrize("run", sorted(set(named())))
def test_what_runs_a_block_is_there(run):
    """A test by its name, or a script."""
    file, _, test = run.partition("::")

    assert (ROOT / file).is_file()
    assert not test or re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), flags=re.MULTILINE)


def words(command):
    """The words of one command line, each command of a pipe or a list on its own."""
    split = shlex.shlex(command, posix=True, punctuation_chars="|&;")
    split.whitespace_split = True
    line = []
    for word in split:
        if set(word) <= set("|&;"):
            yield line
            line = []
        else:
            line.append(word)
    yield line


LINES = [(block, line) for block in TYPED for command in block.commands for line in words(command.text) if line]
OURS = [(str(block), line) for block, line in LINES if line[0] == "twinpin"]
SCRIPTS = [(str(block), line) for block, line in LINES if re.fullmatch(r"(\./)?(hack|bench)/\w[\w-]*", line[0])]


@pytest.mark.parametrize(("block", "line"), OURS, ids=[" ".join(line)[:60] for _, line in OURS])
def test_a_command_of_ours_takes_its_flags(block, line):
    """Each is parsed as it would be, and not run."""
    context = main.make_context("twinpin", line[1:])
    _, command, rest = main.resolve_command(context, line[1:])

    with click.Context(command) as parsing:
        command.make_parser(parsing).parse_args(list(rest))


@pytest.mark.parametrize(("block", "line"), SCRIPTS, ids=[" ".join(line)[:60] for _, line in SCRIPTS])
def test_a_script_knows_its_flags(block, line):
    """They stand in the script, or in the program that it starts."""
    script = ROOT / line[0].removeprefix("./")
    program = {"bench": ROOT / "bench" / "measuring"}.get(script.parent.name)
    texts = [script.read_text(), *(each.read_text() for each in (program.glob("*.py") if program else ()))]

    for flag in (word for word in line[1:] if word.startswith("--")):
        assert any(flag in text for text in texts), flag


def test_values_that_commands_set_are_the_charts():
    """`--set` and `--set-json` name keys of values.yaml."""
    values = yaml.safe_load((ROOT / "helm" / "twinpin" / "values.yaml").read_text())
    found = [
        key
        for _, line in LINES
        for flag, assigned in itertools.pairwise(line)
        if flag in {"--set", "--set-json", "--set-file"}
        for key in re.findall(r"(?:^|,)([\w.]+)=", assigned)
    ]

    assert found
    for key in found:
        place = values
        for name in key.split("."):
            assert name in place, key
            place = place[name]


def test_the_shell_reads_every_command():
    """Quotes are closed, and nothing is a typing error of its syntax."""
    for block in TYPED:
        for command in block.commands:
            done = subprocess.run(["bash", "-n"], input=command.text, capture_output=True, text=True, check=False)

            assert done.returncode == 0, (str(block), done.stderr)
