"""hack/audit: what it says of an answer, and of none. The service is played here: the real one changes every day."""

import http.server
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from dockerfiles import ROOT

import audit
from sbom import IMAGES

#: As OSV tells of a vulnerability.
KNOWN = {
    "id": "GHSA-0000-0000-0000",
    "summary": "Example.",
    "published": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "click"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}

pytestmark = pytest.mark.usefixtures("uv")


@contextmanager
def service(answers):
    """OSV's query on a free port of the loopback; *answers* maps a package to what is known of it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers one query."""

        def do_POST(self):
            """Tell what is known of the package asked for."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": answers.get(asked["package"]["name"], [])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


def ran(*arguments):
    """Run the script's Python as hack/audit does."""
    command = [sys.executable, "-P", ROOT / "hack" / "audit.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_asks_about_everything_that_an_image_holds():
    """Each extra of each image, in a set that uv can resolve."""
    assert {each for extras in audit.EXTRAS for each in extras} == {
        each for extras in IMAGES.values() for each in extras
    }


def test_nothing_known_is_told_with_a_number():
    """Of packages asked about: none of them was passed over."""
    with service({}) as url:
        done = ran("-s", "osv", "--osv-url", url)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-2]) > 100


def test_a_vulnerability_is_named_with_what_mends_it():
    """And the status is that of a failure."""
    with service({"click": [KNOWN]}) as url:
        done = ran("-s", "osv", "--osv-url", url)

    assert done.returncode == 1
    assert "GHSA-0000-0000-0000" in done.stdout
    assert "fixed in: 99.1" in done.stdout


def test_a_service_out_of_reach_is_no_clean_answer(monkeypatch):
    """Nobody listens at the proxy."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    done = ran()

    assert done.returncode == 2
    assert "nothing is known of any package" in done.stderr
    assert "Traceback" not in done.stderr


def test_packages_that_the_service_does_not_know_are_not_called_clean(monkeypatch, tmp_path):
    """An index without PyPI's service answers 404, which pip-audit itself passes over with status 0."""
    answer = {"dependencies": [{"name": "click", "skip_reason": "Dependency not found on PyPI"}]}
    played = tmp_path / "pip-audit"
    played.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"open(sys.argv[sys.argv.index('--output') + 1], 'w').write({json.dumps(json.dumps(answer))})\n"
    )
    played.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    done = ran()

    assert done.returncode == 2
    assert "no audit of them" in done.stderr
    assert done.stdout == ""
