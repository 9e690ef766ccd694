"""Whole trees of processes end, however their keeper ends."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from domain.errors import OutsideError, SettingError
from infra.processes import MARK, Child, Identity, marked, need_free_port, stop

ROOT = Path(__file__).resolve().parents[2]
# A child that will not hear SIGTERM, with a grandchild in a session of its own, as a Prefect worker has.
STUBBORN = textwrap.dedent("""
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    grandchild = subprocess.Popen(command, start_new_session=True)
    print(grandchild.pid, flush=True)
    time.sleep(600)
""")
POLITE = STUBBORN.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "")


def child(tmp_path, code, name="test server"):
    return Child(name, [sys.executable, "-c", code], os.environ, tmp_path / "logs" / "child.log")


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_that_ignores_the_request_is_killed_with_its_grandchild(tmp_path):
    started = child(tmp_path, STUBBORN)
    grandchild = int(wait_until(started.last_lines))
    stop([started.identity], grace_seconds=0.5)
    assert gone(started.identity.pid)
    assert gone(grandchild)


def test_a_child_that_obeys_may_finish_what_it_does(tmp_path):
    code = textwrap.dedent("""
        import signal, sys, time
        def leave(*_):
            time.sleep(0.5)
            print("saved", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print("up", flush=True)
        time.sleep(600)
    """)
    started = child(tmp_path, code)
    wait_until(started.last_lines)
    stop([started.identity], grace_seconds=10)
    assert started.last_lines() == "up\nsaved"
    assert started.exit_code() == 0


def test_children_end_when_their_keeper_is_killed_with_minus_nine(tmp_path):
    keeper = textwrap.dedent(f"""
        import os, sys, time
        from pathlib import Path
        from infra.processes import Child, Guard
        guard = Guard("nobody")
        log_file = Path({str(tmp_path)!r}) / "c.log"
        child = Child("c", [sys.executable, "-c", {POLITE!r}], os.environ, log_file)
        guard.watch(child.identity)
        while not child.last_lines():
            time.sleep(0.05)
        print(child.identity.pid, child.last_lines(), flush=True)
        time.sleep(600)
    """)
    process = subprocess.Popen([sys.executable, "-c", keeper], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    pids = [int(word) for word in process.stdout.readline().split()]
    family = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: all(gone(pid) for pid in pids), seconds=30)
    assert wait_until(lambda: all(gone(one.pid) for one in family), seconds=30), "the guard itself stays"


def test_what_a_dead_child_left_behind_is_found_by_its_mark(tmp_path):
    started = Child(
        "c",
        [sys.executable, "-c", POLITE],
        {**os.environ, MARK: str(tmp_path)},
        tmp_path / "logs" / "child.log",
    )
    grandchild = int(wait_until(started.last_lines))
    os.kill(started.identity.pid, signal.SIGKILL)
    assert wait_until(lambda: started.exit_code() is not None)
    assert [one.pid for one in marked(str(tmp_path))] == [grandchild]
    stop(marked(str(tmp_path)))
    assert gone(grandchild)


def test_a_child_that_ended_is_reported_with_the_end_of_its_log(tmp_path):
    started = child(tmp_path, "import sys; print('no room'); sys.exit(3)")
    wait_until(lambda: started.exit_code() is not None)
    with pytest.raises(OutsideError, match=r"test server ended with exit code 3(.|\n)*no room"):
        started.check()


def test_a_later_process_with_the_same_number_is_not_mistaken_for_ours(tmp_path):
    started = child(tmp_path, "import time; time.sleep(600)")
    stranger = replace(started.identity, created=started.identity.created - 60)
    assert stranger.process() is None
    stop([stranger])
    assert started.exit_code() is None
    stop([started.identity])
    assert started.identity.process() is None


def test_a_taken_port_is_named_with_who_has_it_and_the_setting(free_port):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        with pytest.raises(SettingError, match=f"port {free_port} .*process {os.getpid()}.*TRAINYARD_X_PORT"):
            need_free_port(free_port, "TRAINYARD_X_PORT")
    need_free_port(free_port, "TRAINYARD_X_PORT")


def test_a_log_that_grew_large_is_put_aside_and_few_are_kept(tmp_path):
    log_file = tmp_path / "logs" / "child.log"
    log_file.parent.mkdir()
    for n in range(5):
        log_file.write_bytes(str(n).encode() * 6_000_000)
        stop([child(tmp_path, "pass").identity])
    kept = {path.name: path.read_bytes()[:1] for path in log_file.parent.iterdir()}
    assert kept == {"child.log": b"", "child.log.1": b"4", "child.log.2": b"3", "child.log.3": b"2"}


def test_identities_are_of_living_processes():
    me = Identity.of("me", os.getpid())
    assert me.process().pid == os.getpid()
