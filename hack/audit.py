"""Audit: known vulnerabilities of what the images hold, by pip-audit; an answer that is none is told as such."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: Extras that fit together; between them they are everything that an image holds.
EXTRAS = (("features", "preprocess", "predict", "gateway", "otel", "resolve", "rollout"), ("predict-gpu",))
#: Exit status where nothing was learnt.
NOT_ASKED = 2


def main(arguments: list[str]) -> int:
    """Audit each set of extras; the status tells the worst."""
    with tempfile.TemporaryDirectory() as folder:
        found = [audited(requirements(extras, Path(folder)), arguments) for extras in EXTRAS]
    packages = {(each["name"], each.get("version")): each for answer in found for each in answer}
    skipped = [each for each in packages.values() if "skip_reason" in each]
    bad = [each for each in packages.values() if each.get("vulns")]
    for each in bad:
        for known in each["vulns"]:
            fixed = ", ".join(known["fix_versions"]) or "none yet"
            print(f"{each['name']} {each['version']}: {known['id']} {' '.join(known['aliases'])}; fixed in: {fixed}")
    if skipped:
        print(
            f"error: the service knows nothing of {len(skipped)} of {len(packages)} packages, among them "
            f"{skipped[0]['name']} ({skipped[0]['skip_reason']}), so this is no audit of them: "
            "ask where PyPI's own service answers, or another one (hack/audit -s osv).",
            file=sys.stderr,
        )
    if not bad and not skipped:
        print(f"no known vulnerabilities in {len(packages)} packages")
    return 1 if bad else NOT_ASKED if skipped else 0


def requirements(extras: tuple[str, ...], folder: Path) -> Path:
    """Write what uv.lock says of these extras, with hashes."""
    file = folder / f"{'-'.join(extras)}.txt"
    command = ["uv", "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-project"]
    command += ["--output-file", str(file), *(word for each in extras for word in ("--extra", each))]
    subprocess.run(command, cwd=ROOT, check=True)
    return file


def audited(file: Path, arguments: list[str]) -> list[dict[str, Any]]:
    """Ask pip-audit about a file of requirements; ends the process where it gives no answer."""
    answer = file.with_suffix(".json")
    command = ["pip-audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(
        [*command, "--output", answer, "--requirement", file, *arguments], capture_output=True, text=True, check=False
    )
    if not answer.exists():
        print(
            "error: the vulnerability service gave no answer, so nothing is known of any package. Is it reachable "
            f"(proxies: HTTPS_PROXY)? pip-audit's last words: {(done.stderr.strip() or 'none').splitlines()[-1]}",
            file=sys.stderr,
        )
        sys.exit(NOT_ASKED)
    return json.loads(answer.read_text())["dependencies"]  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
