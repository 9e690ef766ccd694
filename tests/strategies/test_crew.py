"""Processes that share an iteration are gone when the one that wanted it is, however it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
LONG = """
import sys
from pathlib import Path
from domain.kinds import Kind
from strategies.registry import strategy
from tests.strategies.architect import step
from tests.strategies.gallery import gallery

native = strategy(Kind.VISION, "native")
config = native.Hyperparameters(network="residual:4", budget_seconds=3600, workers=2)
data = gallery(Path(sys.argv[1]))
step(native, native.start(config, data), data)
"""


def members(family: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in family if "strategies.vision.worker" in " ".join(one.cmdline()[:4])]


def test_what_trains_together_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, str(tmp_path)], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    wanted = psutil.Process(process.pid)
    until = time.monotonic() + 120
    while len(members(wanted.children(recursive=True))) < 2:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    family = wanted.children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    assert len(gone) == 3, "the launcher and two of its processes"
