"""Spans on their way to a collector: the environment's variables, a collector that is down, the end of a process."""

import logging
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from otlp_receiver import receiving
from step_process import serving

from twinpin.step import tracing
from twinpin.step.errors import CannotStart, Unavailable
from twinpin.step.trace import TraceContext

INFER = "/v2/models/echo/infer"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUEST = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.5, 2]}]}
SAMPLED, UNSAMPLED = TraceContext(TRACE, SPAN, 1), TraceContext(TRACE, SPAN, 0)


@pytest.fixture
def receiver():
    """A collector."""
    with receiving() as running:
        yield running


@pytest.fixture
def environment(monkeypatch, receiver):
    """Set variables, and begin to record; the end is the test's."""

    def begin(**variables):
        for name, value in (receiver.variables | variables).items():
            monkeypatch.setenv(name, value)
        tracing.start("twinpin-test")

    yield begin
    tracing.stop()


def request(carried=None, error=None):
    """Answer one request, as a front does; gives its trace."""
    trace = tracing.begin("infer", lambda: carried, time.monotonic())
    if tracing.recording() is not None:
        with tracing.span("work"):
            pass
    tracing.end(trace, 200 if error is None else error.status, error)
    return trace


@pytest.mark.parametrize(
    ("variables", "carried", "recorded"),
    [
        ({}, None, True),
        ({}, UNSAMPLED, False),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, SAMPLED, False),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, SAMPLED, True),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, None, False),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, SAMPLED, True),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, SAMPLED, False),
    ],
)
def test_the_sampler_is_the_environments(environment, receiver, variables, carried, recorded):
    """What is not recorded still has an id, of the caller's trace where there is one."""
    environment(**variables)
    trace = request(carried)
    tracing.stop()

    assert [span.name for span in receiver.spans] == (["work", "infer"] if recorded else [])
    assert carried is None or trace.context.trace_id == TRACE
    assert trace.context.sampled is recorded


def test_a_process_is_called_as_the_environment_says(environment, receiver):
    """Else by what it is."""
    environment()
    request()
    tracing.stop()
    environment(OTEL_SERVICE_NAME="sales-gateway")
    request()
    tracing.stop()

    assert [span.service for span in receiver.spans] == ["twinpin-test"] * 2 + ["sales-gateway"] * 2


def test_errors_of_ours_are_recorded_and_those_of_clients_are_not(environment, receiver):
    """A span that failed is the server's fault."""
    environment()
    request(error=Unavailable("the store is down; try again"))
    tracing.stop()

    found = {span.name: span for span in receiver.spans}
    assert (found["infer"].failed, found["work"].failed) == (True, False)
    assert found["infer"].exceptions == ["twinpin.step.errors.Unavailable"]
    assert found["infer"].attributes["twinpin.status"] == 503


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_nothing_is_sent_where_the_environment_does_not_want_it(environment, receiver, variables, caplog):
    """A form that is not spoken here is said so; all else is a wish."""
    environment(**variables)
    request(SAMPLED)
    tracing.stop()

    assert receiver.spans == []
    assert ("http/protobuf alone is spoken" in caplog.text) is ("OTEL_EXPORTER_OTLP_PROTOCOL" in variables)


def test_an_address_for_traces_alone_is_enough(environment, receiver):
    """It is the whole address, as the specification has it."""
    environment(
        OTEL_EXPORTER_OTLP_ENDPOINT="", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://127.0.0.1:{receiver.port}/v1/traces"
    )
    request()
    tracing.stop()

    assert len(receiver.spans) == 2


def test_a_variable_that_contradicts_itself_is_no_start(environment):
    """The sentence says which."""
    with pytest.raises(CannotStart, match="OTEL_"):
        environment(OTEL_BSP_MAX_QUEUE_SIZE="0")


def test_a_collector_that_is_down_is_told_once_and_when_it_is_back(environment, receiver, caplog):
    """Spans are lost, requests are not."""
    receiver.status = 400
    environment(OTEL_BSP_SCHEDULE_DELAY="10")
    with caplog.at_level(logging.INFO):
        for number in range(1, 6):
            request()
            receiver.refused(number)
        receiver.status = 200
        trace = request()
        receiver.of(trace.context.trace_id, 2)
        tracing.stop()

    assert [(record.message, "400" in getattr(record, "cause", "")) for record in caplog.records] == [
        ("the collector of traces cannot be reached", True),
        ("the collector of traces can be reached again", False),
    ]


def test_the_last_spans_leave_with_the_process(receiver, monkeypatch, tmp_path):
    """SIGTERM sends what was not sent yet."""
    for name, value in (receiver.variables | {"OTEL_BSP_SCHEDULE_DELAY": "600000"}).items():
        monkeypatch.setenv(name, value)
    with serving(tmp_path / "step") as server:
        httpx.post(server.url + INFER, json=REQUEST, headers={"traceparent": SAMPLED.parent})
        assert receiver.spans == []
        server.terminate()
        assert server.process.wait(20) == 0

    assert {span.service for span in receiver.spans} == {"twinpin-echo"}
    assert {span.name for span in receiver.spans} == {"infer", "echo"}


def test_a_collector_that_does_not_answer_holds_nothing_up(monkeypatch, tmp_path):
    """Neither a request nor the end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with serving(tmp_path / "step", drain_wait=0.0) as server:
            answer = httpx.post(server.url + INFER, json=REQUEST)
            began = time.monotonic()
            server.terminate()
            status = server.process.wait(20)

    assert (answer.status_code, status) == (200, 0)
    assert time.monotonic() - began < 10


def run(code, **environment):
    """Run a program, and give what it logs."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr


@pytest.mark.parametrize(
    "module", ["step.serving", "step.rest", "step.grpc_service", "step.runner", "gateway.commands"]
)
def test_nothing_of_opentelemetry_is_imported_without_a_collector(module):
    """It would cost a fifth of a second at every start."""
    code = f"import sys, twinpin.{module} as m; from twinpin.step import tracing; tracing.start('x')"
    run(f"{code}; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))")


def test_what_is_not_installed_is_said_and_forecasts_go_on():
    """A collector is wanted, and the extra is not there."""
    code = "import sys; sys.modules['opentelemetry.sdk'] = None; from twinpin.step import tracing; tracing.start('x')"
    said = run(
        f"{code}; assert tracing.begin('infer', lambda: None, 0)", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"
    )

    assert "install twinpin[otel]" in said
