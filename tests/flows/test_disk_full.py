"""A disk that is full: said with the folder, nothing left half-written, and done once there is room."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
mount -t tmpfs -o size={small} none {disk} || exit 77
{command} > {told}/first 2>&1; echo $? > {told}/code
ls {disk}/home/store/unfinished > {told}/unfinished
mount -o remount,size=300m {disk} || exit 78
{command} --json 2> {told}/second
"""


# What is full first differs: the catalog while papers are read, or the place of the model's files.
@pytest.mark.parametrize("small", ["700k", "2500k"])
def test_a_pipeline_on_a_full_disk_says_so_and_is_done_once_there_is_room(
    small: str, class_set: Path, prefect_api: str, tmp_path: Path
) -> None:
    disk, told = tmp_path / "disk", tmp_path / "told"
    disk.mkdir()
    told.mkdir()
    command = [sys.executable, "-m", "flows", "pipeline", "--guides", str(class_set / "guides")]
    command += ["--submissions", str(class_set / "papers"), "--strategy", "native", "--set", "iterations=2"]
    script = SCRIPT.format(small=small, disk=disk, told=told, command=shlex.join(command))
    # A namespace of its own, in which everyone may mount.
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        env={
            **os.environ,
            "TRAINYARD_HOME": str(disk / "home"),
            "TRAINYARD_PREFECT_API_URL": prefect_api,
            "PREFECT_HOME": str(tmp_path / "prefect"),
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system can be mounted here without rights: {done.stderr.strip()}")
    first = (told / "first").read_text()
    assert (told / "code").read_text().strip() == "1", first
    last = first.splitlines()[-1]
    assert last.startswith("Error: ") and str(disk) in last and "room" in last
    assert "Traceback" not in first
    assert (told / "unfinished").read_text() == ""
    assert done.returncode == 0, (told / "second").read_text()
    outcome = json.loads(done.stdout)
    assert outcome["train"]["n_trained"] + outcome["train"]["n_reused"] == 2
    assert outcome["prepare"]["dataset"]["n_answers"] == 60
