"""Write the dashboard into the chart, or compare it with what is there."""

import sys
from pathlib import Path

import click

from dashboards import document

FILE = Path(__file__).parents[2] / "helm" / "twinpin" / "files" / "dashboards" / "twinpin.json"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Write nothing; fail where the file differs from what would be written.")
def main(*, check: bool) -> None:
    """Write helm/twinpin/files/dashboards/twinpin.json from hack/dashboards."""
    made = document.text()
    if not check:
        FILE.write_text(made, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != made:
        sys.exit("error: the dashboard is not what hack/dashboards says: run hack/dashboard")


if __name__ == "__main__":
    main(prog_name="hack/dashboard")
