"""Who works on what, and whether they live."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from infra.lives import Life, forget, life_of, life_of_flow_run, sign, tag_of_this_process
from infra.processes import Identity

SIGNER = "import sys; from pathlib import Path; from infra.lives import *; sign(Path(sys.argv[1]), 'job'); "


def test_a_process_that_signed_is_alive_until_it_ends(tmp_path: Path) -> None:
    code = SIGNER + "print(tag_of_this_process(), flush=True); input()"
    signer = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert signer.stdout
    tag = signer.stdout.readline().strip()
    assert life_of(tmp_path, "job") is Life.ALIVE
    assert life_of_flow_run("f", ["grading", tag], "") is Life.ALIVE
    signer.kill()
    signer.communicate()
    assert life_of(tmp_path, "job") is Life.DEAD
    assert life_of_flow_run("f", ["grading", tag], "") is Life.DEAD
    # Who takes it up again signs anew.
    sign(tmp_path, "job")
    assert life_of(tmp_path, "job") is Life.ALIVE
    forget(tmp_path, "job")
    assert life_of(tmp_path, "job") is Life.UNKNOWN


def test_another_process_with_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    mine = Identity.of("", os.getpid())
    (tmp_path / "lives").mkdir()
    told = {"host": socket.gethostname(), "pid": mine.pid, "created": mine.created - 3600}
    (tmp_path / "lives" / "job.json").write_text(json.dumps(told))
    assert life_of(tmp_path, "job") is Life.DEAD


def test_nothing_is_known_of_another_machines_processes_or_of_a_damaged_note(tmp_path: Path) -> None:
    (tmp_path / "lives").mkdir()
    file = tmp_path / "lives" / "job.json"
    file.write_text(json.dumps({"host": "elsewhere", "pid": 1, "created": 0}))
    assert life_of(tmp_path, "job") is Life.UNKNOWN
    file.write_text("{")
    assert life_of(tmp_path, "job") is Life.UNKNOWN
    assert life_of_flow_run("f", [], "") is Life.UNKNOWN
    assert (
        life_of_flow_run("f", [tag_of_this_process().replace(socket.gethostname(), "elsewhere")], "")
        is Life.UNKNOWN
    )
    assert life_of_flow_run("f", [], "elsewhere:12") is Life.UNKNOWN


def test_a_workers_flow_run_lives_where_a_process_was_started_for_it() -> None:
    note = f"{socket.gethostname()}:999999"
    code = "print('up', flush=True); input()"
    environment = {**os.environ, "PREFECT__FLOW_RUN_ID": "flow-run-1"}
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout and child.stdout.readline()
    assert life_of_flow_run("flow-run-1", [], note) is Life.ALIVE
    assert life_of_flow_run("flow-run-2", [], note) is Life.DEAD
    child.communicate("\n")
    assert life_of_flow_run("flow-run-1", [], note) is Life.DEAD
