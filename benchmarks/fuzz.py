"""What a folder of hostile files does to a run: 1,000 of them through `trainyard prepare`.

    python benchmarks/fuzz.py [--files 1000] [--seed 0]

Among them the examples' own papers, which must all be read as they are without them. Prints what became
of the files and, last, JSON: files, unaccounted (neither ingested nor listed with a reason), honest_lost,
seconds, peak_mb (of the run's own process; readers have theirs), growth (that peak over the plain one).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "data"))

import psutil
from hostile_files import EXAMPLES, make


@dataclass(frozen=True)
class Run:
    """What `trainyard prepare` said, and the most memory that its process had."""

    told: dict[str, Any]
    seconds: float
    peak_mb: float


def prepare(papers: Path, home: Path) -> Run:
    command = [sys.executable, "-m", "flows", "prepare", "--guides", str(EXAMPLES / "guides")]
    command += ["--submissions", str(papers), "--dataset", "fuzz", "--allow-rejects", "--json"]
    root = Path(__file__).parent.parent
    environment = {**os.environ, "TRAINYARD_HOME": str(home), "PYTHONPATH": str(root)}
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peak = [0.0]

    def watch() -> None:
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak[0] = max(peak[0], seen.memory_info().rss / 1e6)
            except psutil.Error:
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"prepare ended with {process.returncode}:\n{err[-2000:]}")
    return Run(json.loads(out), time.monotonic() - begun, peak[0])


def of_submissions(run: Run) -> dict[str, int]:
    """How many files of papers there were, and what became of them."""
    parts = [one for one in run.told["ingested"] if one["role"] == "submission"]
    counts = {name: sum(int(one[name]) for one in parts) for name in ("n_files", "n_new")}
    duplicates = sum(len(one["duplicates"]) for one in parts)
    rejected = [one for part in parts for one in part["rejected"]]
    if bad := [one for one in rejected if not one["reason"].strip()]:
        raise SystemExit(f"refused without a reason: {bad[:3]}")
    return {**counts, "duplicates": duplicates, "rejected": len(rejected)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--files", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        papers = scratch / "papers"
        shutil.copytree(EXAMPLES / "submissions", papers)
        plain = prepare(papers, scratch / "plain")
        make(papers / "hostile", given.files, given.seed)
        run = prepare(papers, scratch / "home")
    counts = of_submissions(run)
    # An honest paper lost to a hostile file would be refused, or have answers that nobody parsed.
    lost = {one["name"] for one in run.told["unparsed"]} - {one["name"] for one in plain.told["unparsed"]}
    honest_lost = sorted(name for name in lost if not name.startswith("hostile/"))
    unaccounted = counts["n_files"] - counts["n_new"] - counts["duplicates"] - counts["rejected"]
    print(", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items()))
    print(f"honest papers lost: {honest_lost or 'none'}")
    for name, one in (("without hostile files", plain), ("with them", run)):
        print(f"{name}: {one.seconds:.1f} s, {one.peak_mb:.0f} MB")
    figures = {
        "files": given.files,
        "unaccounted": unaccounted,
        "honest_lost": len(honest_lost),
        "seconds": round(run.seconds, 1),
        "peak_mb": round(run.peak_mb, 1),
        "growth": round(run.peak_mb / plain.peak_mb, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
