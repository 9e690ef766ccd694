"""Which process works on what: signed by the process itself, believed while it lives.

A signature names the machine too. Of another machine's process nothing can be known from here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

import psutil

from infra.processes import Identity

_TAG = re.compile(r"process:(?P<host>[^:]+):(?P<pid>\d+):(?P<created>[\d.]+)")
_FLOW_RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"


class Life(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


def sign(home: Path, name: str) -> None:
    """This process works on `name` from now on; what was signed before for it no longer counts."""
    file = _file(home, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    mine = {"host": socket.gethostname(), **asdict(Identity.of("worker", os.getpid()))}
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(mine))
    fresh.replace(file)


def life_of(home: Path, name: str) -> Life:
    """Whether the process that signed for `name` lives; UNKNOWN where none of this machine did."""
    try:
        told = json.loads(_file(home, name).read_text())
        return _life(told["host"], int(told["pid"]), float(told["created"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Life.UNKNOWN


def signed(home: Path) -> list[str]:
    """All that is signed for, by the living and the dead."""
    return sorted(file.stem for file in (home / "lives").glob("*.json"))


def sign_for_worker(home: Path) -> None:
    """This process signs for the flow run that a worker started it for, if one did."""
    if run := os.environ.get(_FLOW_RUN_VARIABLE):
        sign(home, run)


def forget(home: Path, name: str) -> None:
    _file(home, name).unlink(missing_ok=True)


def tag_of_this_process() -> str:
    """A tag for flow runs, from which `life_of_flow_run` tells whether their process lives."""
    mine = Identity.of("command", os.getpid())
    return f"process:{socket.gethostname()}:{mine.pid}:{mine.created}"


def life_of_flow_run(flow_run_id: str, tags: list[str], infrastructure_pid: str) -> Life:
    """Of a flow run on this machine: by the tag of the command that ran it, or by a worker's process.

    `infrastructure_pid` is what a worker notes: of "host:pid" something can be known, of a bare number,
    which is what Prefect 3.8's process worker notes, nothing, since it may be another machine's.
    """
    for tag in tags:
        if match := _TAG.fullmatch(tag):
            return _life(match["host"], int(match["pid"]), float(match["created"]))
    host, _, pid = infrastructure_pid.rpartition(":")
    if not pid.isdigit() or host != socket.gethostname():
        return Life.UNKNOWN
    if is_executed_here(flow_run_id):
        return Life.ALIVE
    return Life.UNKNOWN if _is_closed_to_us(int(pid)) else Life.DEAD


def _is_closed_to_us(pid: int) -> bool:
    """Whether that process is another user's, of whom we may not know what it does."""
    try:
        psutil.Process(pid).environ()
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True
    return False


def _life(host: str, pid: int, created: float) -> Life:
    if host != socket.gethostname():
        return Life.UNKNOWN
    return Life.ALIVE if Identity("", pid, created).process() else Life.DEAD


def is_executed_here(flow_run_id: str) -> bool:
    """Whether a process of this machine was started for that flow run; its number alone may be another's."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(_FLOW_RUN_VARIABLE) == flow_run_id:
                return True
    return False


def _file(home: Path, name: str) -> Path:
    return home / "lives" / f"{name}.json"
