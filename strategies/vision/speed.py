"""How fast an exported classifier is, and what memory it takes: measured in a process of its own.

    python -m strategies.vision.speed FOLDER    →  one line of JSON

Alone, because the process that trained holds torch and the pictures too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from domain.errors import StrategyError
from strategies.vision.model_files import NETWORK

_PLACE = Path(__file__).resolve().parents[2]
_LATENCY_SECONDS, _THROUGHPUT_SECONDS = 0.4, 0.5
_MOST_SINGLE, _BATCH = 200, 64


def measured_speed(folder: Path, limit_seconds: float = 300.0) -> dict[str, float]:
    """Of the classifier in `folder`: load_seconds, latency_p50_ms and latency_p95_ms of one picture,
    images_per_second in batches of 64, peak_memory_mb of the process, model_mb of the graph.

    Raises StrategyError when it cannot be measured.
    """
    paths = [str(_PLACE), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "strategies.vision.speed", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=limit_seconds,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise StrategyError(f"the speed of the model cannot be measured ({said[0]}): evaluate again")
    return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def _measure(folder: Path) -> dict[str, float]:
    from strategies.vision.classifier import load_classifier

    started = time.perf_counter()
    classifier = load_classifier(folder)
    shape = classifier.model.preprocessing
    # What is in a picture changes nothing about the time that it takes.
    drawn = np.random.default_rng(0).integers(
        0, 256, (_BATCH, shape.size, shape.size, shape.channels), dtype=np.uint8
    )
    classifier.probabilities(drawn[:1])
    loading = time.perf_counter() - started
    singles = _times(lambda: classifier.probabilities(drawn[:1]), _LATENCY_SECONDS, _MOST_SINGLE)
    classifier.probabilities(drawn)
    batches = _times(lambda: classifier.probabilities(drawn), _THROUGHPUT_SECONDS, _MOST_SINGLE)
    return {
        "load_seconds": loading,
        "latency_p50_ms": 1000 * float(np.quantile(singles, 0.5)),
        "latency_p95_ms": 1000 * float(np.quantile(singles, 0.95)),
        "images_per_second": _BATCH / float(np.median(batches)),
        "peak_memory_mb": _peak_memory_mb(),
        "model_mb": (folder / NETWORK).stat().st_size / 1e6,
    }


def _times(work: Callable[[], object], seconds: float, most: int) -> list[float]:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < 3 or (len(taken) < most and time.perf_counter() < end):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def _peak_memory_mb() -> float:
    """Of this process so far; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux that also counts what the process was before it became this program.
        peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return float(peaks[0]) / 1e3 if peaks else 0.0
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]))) + "\n")
