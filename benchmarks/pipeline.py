"""What a whole run costs beside its training: the command `trainyard pipeline` on a real archive.

    python benchmarks/pipeline.py [--data ../shared/data] [--seconds 300]

Data: Fashion-MNIST (Zalando Research, MIT). From the ZIP to the report in a home of its own, its Prefect
server included. Two shares of what is not training: of the processor's seconds, children included,
and of the wall clock, which a busy machine stretches. The training's budget is what all cores give in so many
seconds of the clock, in the processor's seconds, so that it is the same training on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra import catalog as records
from infra.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent


def pipeline_shares(archive: Path, seconds: float) -> dict[str, float]:
    """`pipeline_share` (of processor seconds), `pipeline_share_wall`, and the accuracy on the test part."""
    budget = seconds * (os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as made:
        home = Path(made) / "home"
        command = [sys.executable, "-m", "flows", "pipeline", "--images", str(archive), "--json"]
        command += ["--strategy", "native", "--set", f"budget_seconds={budget}", "--set", "budget_clock=cpu"]
        environment = {**os.environ, "TRAINYARD_HOME": str(home), "PYTHONPATH": str(ROOT)}
        before, began = _children(), time.monotonic()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        wall, used = time.monotonic() - began, _children() - before
        outcome = json.loads(done.stdout)
        with Catalog.open(f"sqlite:///{home}/catalog.db") as catalog:
            trained = sum(one.seconds for one in records.iterations(catalog, outcome["train"]["job_id"]))
    accuracy = outcome["evaluate"]["headline"]["accuracy"][0]
    print(f"\n{'':22} processor   wall clock   (seconds)")
    print(f"{'the whole run':22} {used:9.0f} {wall:12.0f}")
    print(f"{'its training':22} {budget:9.0f} {trained:12.0f}")
    print(f"accuracy on the test part: {accuracy:.4f}")
    return {
        "pipeline_share": 1 - budget / used,
        "pipeline_share_wall": 1 - trained / wall,
        "pipeline_accuracy": accuracy,
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=300.0, help="of the training, on all cores")
    chosen = parser.parse_args()
    print(json.dumps(pipeline_shares(chosen.data / "vision" / "fashion-mnist.zip", chosen.seconds)))


if __name__ == "__main__":
    main()
