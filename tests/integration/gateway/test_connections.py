"""What clients do to connections: cut them, trickle, pipeline, reuse them after an error."""

import http.client
import json
import socket
import threading
import time

import pytest
from small_server import small_server

ROW = json.dumps({"data": {"temp": [[1, 2, 3]]}}).encode()
WAITING = json.dumps({"data": {"temp": [[1, 2, 3]]}, "parameters": {"wait": True}}).encode()
FORECAST = [7.0, 8.0, 9.0, 10.0]


def raw(path, body, length=None):
    """One request as bytes."""
    head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def connect(server):
    """Open a socket to it."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def ask(server, body=ROW, path="/predict"):
    """Ask over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        b'{"data": {}}',
        b'{"data": {"temp": [[1,2]]}}',
        json.dumps({"data": {"temp": [[1, 2, 3]]}, "parameters": {"bug": True}}).encode(),
    ],
)
def test_a_connection_is_good_after_an_error(server, bad):
    """Ten times over: KServe's router would answer 500 for each cut connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    opened = connection.sock
    statuses = []
    for _ in range(10):
        for body in (bad, ROW):
            connection.request("POST", "/predict", body)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
    same = connection.sock is opened
    connection.close()

    assert same
    assert statuses[1::2] == [200] * 10
    assert set(statuses[::2]) <= {400, 422, 500}


def test_half_a_body_harms_nobody(server):
    """Fifty clients that promise more than they send and hang up."""
    for _ in range(50):
        with connect(server) as half:
            half.sendall(raw("/predict", ROW[:10], len(ROW)))
    status, answer = ask(server)

    assert (status, answer["prediction"]) == (200, FORECAST)


def test_a_client_that_hangs_up_before_its_answer_harms_nobody(server):
    """More of them than there are places: each is cancelled and gives its place back."""
    for _ in range(3):
        gone = [connect(server) for _ in range(40)]
        for each in gone:
            each.sendall(raw("/predict", WAITING))
        _await_in_flight(server, 40)
        for each in gone:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not a farewell
            each.close()
        _await_in_flight(server, 0)
    status, answer = ask(server)

    assert (status, answer["prediction"]) == (200, FORECAST)


def _await_in_flight(server, wanted):
    """Poll the gauge until the predict step has this many requests."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        if f'twinpin_in_flight{{step="predict"}} {wanted}.0' in lines:
            return
        time.sleep(0.02)
    raise AssertionError(f"never {wanted} requests in flight")


def whole(stream):
    """Read one answer of a stream of several."""
    assert stream.readline().startswith(b"HTTP/1.1 200")
    headers = http.client.parse_headers(stream)
    return stream.read(int(headers["content-length"]))


def test_pipelined_requests_are_answered_in_order(server):
    """HTTP/1.1 allows it, and some proxies do it."""
    bodies = [json.dumps({"data": {"temp": [[n, n, n]]}}).encode() for n in range(5)]
    with connect(server) as pipe:
        pipe.sendall(b"".join(raw("/predict", body) for body in bodies))
        # One reader for all: that of an HTTPResponse would take bytes of the next answer along.
        with pipe.makefile("rb") as stream:
            answers = [json.loads(whole(stream))["prediction"][0] for _ in bodies]

    assert answers == [3.0 * n + 1 for n in range(5)]


def test_a_body_over_the_limit_leaves_the_connection_good():
    """What is left of it is read and thrown away."""
    with small_server(max_body_bytes=1000) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        statuses = []
        for body in (b" " * 200_000, ROW, b" " * 200_000, ROW):
            connection.request("POST", "/predict", body)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    assert statuses == [413, 200, 413, 200]


def test_clients_that_trickle_do_not_slow_others(server):
    """Fifty open half-requests beside a hundred whole ones."""
    slow = [connect(server) for _ in range(50)]
    for each in slow:
        each.sendall(raw("/predict", b"{", len(ROW)))
    took = []
    for _ in range(100):
        began = time.monotonic()
        assert ask(server)[0] == 200
        took.append(time.monotonic() - began)
    for each in slow:
        each.close()

    assert sorted(took)[50] < 0.1


def test_sigterm_finishes_what_is_in_flight_and_says_not_ready_meanwhile():
    """Readiness goes first, then the port, then the steps; no request is lost."""
    slow = json.dumps({"data": {"temp": [[1, 2, 3]]}, "parameters": {"wait": 2.0}}).encode()
    with small_server(drain_wait=0.7, drain_timeout=20) as server:
        found = []
        thread = threading.Thread(target=lambda: found.append(ask(server, slow)))
        thread.start()
        _await_in_flight(server, 1)
        server.process.terminate()
        ready = _first_unready(server)
        late = ask(server)
        thread.join(20)
        status = server.process.wait(20)
        rest = server.process.stdout.read()

    assert ready == 503
    assert late[0] == 200
    assert [each[0] for each in found] == [200]
    assert (status, rest) == (0, "closed True\n")


def _first_unready(server):
    """Poll readiness until it is off."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/v2/health/ready")
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            return status
    raise AssertionError("the server stayed ready")
