"""What `helm test` asks, and what it says of a gateway that answers wrongly; a real one answers it in tests/cluster."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "helm" / "twinpin" / "files" / "ask.py"
PIN = {"id": "p7-m12-3fa9c1", "preprocessor": {"version": "7"}, "model": {"version": "12"}}
PAIR = {"id": "p7-m12-3fa9c1", "preprocessor_version": "7", "model_version": "12"}
RIGHT = {
    "/health": (200, {"status": "ok", "pair": PAIR}),
    "/v2/models/forecast": (200, {"versions": ["12", "p7-m12-3fa9c1"]}),
    "/predict": (200, {"prediction": [1.0], "pair": PAIR}),
    "/predict/feast": (200, {"predictions": {"1": [1.0]}, "pair": PAIR}),
}


class Gateway(BaseHTTPRequestHandler):
    """Answers what it was given; a list is answered one by one."""

    def do_GET(self):
        """Answer one request, and remember it."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.path, json.loads(body) if body else None))
        found = self.server.answers[self.path]
        status, document = found.pop(0) if isinstance(found, list) else found
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def do_POST(self):
        """Answer a request with a body alike."""
        self.do_GET()

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture
def gateway():
    """A gateway that answers rightly until it is told otherwise."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.answers, server.asked = dict(RIGHT), []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(gateway, tmp_path):
    """Run the script against it."""
    (tmp_path / "pin.json").write_text(json.dumps(PIN))

    def run(**more):
        environment = {
            "GATEWAY": f"http://127.0.0.1:{gateway.server_port}",
            "MODEL": "forecast",
            "PATIENCE": "0",
            "PIN": str(tmp_path / "pin.json"),
            "REQUEST": '{"data": {"a": [1]}}',
            "ENTITIES": "[1]",
            **more,
        }
        return subprocess.run([sys.executable, SCRIPT], env=environment, capture_output=True, text=True, check=False)

    return run


def test_all_that_the_values_name_is_asked(gateway, ask):
    """Health, metadata, a payload, entities."""
    done = ask()

    assert done.returncode == 0, done.stderr
    assert gateway.asked[1:-1] == [
        ("/v2/models/forecast", None),
        ("/predict", {"data": {"a": [1]}}),
        ("/predict/feast", {"time_point": "now", "entities": [1]}),
    ]


def test_nothing_is_sent_that_the_values_do_not_name(gateway, ask):
    """Without a request and entities health and metadata are compared alone."""
    done = ask(REQUEST="", ENTITIES="[]")

    assert done.returncode == 0, done.stderr
    assert {path for path, _ in gateway.asked} == {"/health", "/v2/models/forecast"}


@pytest.mark.parametrize("path", ["/predict", "/predict/feast", "/health"])
@pytest.mark.parametrize("half", PAIR)
def test_an_answer_of_another_pair_fails(gateway, ask, path, half):
    """One half is enough."""
    status, document = RIGHT[path]
    gateway.answers[path] = (status, document | {"pair": PAIR | {half: "other"}})

    done = ask()

    assert done.returncode == 1
    assert f"{path} was answered by the pair" in done.stderr


def test_without_a_pin_every_answer_carries_a_whole_pair(gateway, ask):
    """A controller may have changed the pair since; the health tells of any rollout's."""
    other = {"id": "p8-m13-0a1b2c", "preprocessor_version": "8", "model_version": "13"}
    gateway.answers["/predict"] = (200, {"prediction": [1.0], "pair": other})
    gateway.answers["/health"] = (200, {"status": "ok", "pair": None})

    done = ask(PIN="")

    assert done.returncode == 0, done.stderr
    assert "/predict: pair p8-m13-0a1b2c" in done.stdout


@pytest.mark.parametrize("pair", [None, PAIR | {"id": None}, PAIR | {"model_version": "11"}])
def test_without_a_pin_halves_of_two_pairs_fail(gateway, ask, pair):
    """So does an answer that says nothing of its pair."""
    gateway.answers["/predict"] = (200, {"prediction": [1.0], "pair": pair})

    done = ask(PIN="")

    assert done.returncode == 1
    assert "which is no whole pair" in done.stderr


def test_metadata_of_another_version_fails(gateway, ask):
    """The gateway would tell clients what it does not serve."""
    gateway.answers["/v2/models/forecast"] = (200, {"versions": ["11"]})

    done = ask()

    assert done.returncode == 1
    assert "names the versions ['11'], but the Pin says 12" in done.stderr


def test_an_answer_without_numbers_fails(gateway, ask):
    """A stamp alone is no forecast."""
    gateway.answers["/predict"] = (200, {"prediction": [], "pair": PAIR})

    done = ask()

    assert done.returncode == 1
    assert "answered without a forecast" in done.stderr


def test_an_error_is_told_as_it_was_given(gateway, ask):
    """Its sentence says what to do."""
    gateway.answers["/predict"] = (422, {"error": "Entity 1 is unknown."})

    done = ask()

    assert done.returncode == 1
    assert "/predict answered 422" in done.stderr
    assert "Entity 1 is unknown." in done.stderr


def test_a_gateway_that_comes_up_is_waited_for(gateway, ask):
    """`helm test` right after `helm install` is no mistake."""
    gateway.answers["/health"] = [(503, {}), RIGHT["/health"], RIGHT["/health"]]

    done = ask(PATIENCE="20")

    assert done.returncode == 0, done.stderr


def test_a_gateway_that_never_serves_is_given_up(gateway, ask):
    """With what it said last."""
    gateway.answers["/health"] = (503, {"status": "down"})

    done = ask()

    assert done.returncode == 1
    assert "/health answered 503" in done.stderr
