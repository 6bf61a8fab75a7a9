"""Launch: the processes of a server are found wherever they went, and none is left behind."""

import sys
import time

from measuring.launch import launching
from measuring.place import Place
from measuring.processes import cpu_seconds, marked, memory, spent

#: Starts a child in a session of its own, that ignores SIGTERM, and ends; the child works a little first.
DETACHING = """
import signal, subprocess, sys
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); sum(range(10**6)); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
"""


def test_a_process_that_detached_is_counted_and_ended(tmp_path, monkeypatch):
    """Ray's daemons outlive the command that starts them."""
    monkeypatch.setattr("measuring.launch.GRACE", 0.2)
    with launching(Place(tmp_path, "", logs=tmp_path), "peer") as launch:
        launch.run("", [sys.executable, "-c", DETACHING])
        until = time.monotonic() + 10
        while spent({}, cpu_seconds(launch.pids())) == 0 and time.monotonic() < until:
            time.sleep(0.01)
        pids = launch.pids()
        assert len(pids) == 1
        assert spent({}, cpu_seconds(pids)) > 0
        assert memory(pids).total == memory(pids).largest > 0
        assert marked("of another") == set()

    assert marked(launch.mark) == set()


def test_the_cpu_of_a_process_that_came_meanwhile_counts_whole():
    """And what one used before does not."""
    assert spent({1: 5.0, 2: 7.0}, {1: 6.0, 3: 2.0}) == 3.0
