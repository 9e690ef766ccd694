"""What a second worker of Dask brings, and what a growing number of documents costs.

    python benchmarks/scale.py [--pdfs 600] [--repeats 3] [--sizes 1000,10000,100000]

Dask: the flow `ingest` reads PDFs of six full pages, most of whose cost is a processor's, on one worker
process and on two, in turns, each time into a catalog of its own; a worker has one reader. Counted is the
flow, with workers started and warm. The bar is 1.6 times the throughput on two cores, and the documents of
both must be equal.

Growth: the flow as the command line runs it (threads), on so many short texts, and once more when all are
known. Memory is that of its process and all its children, above what it was when the flow began. Texts and
PDFs are made here, from a seed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ingest import REASONS, SUBJECTS, VERBS, apart, show, show_part, write_texts

BAR = 1.6
N_PAGES, N_LINES = 6, 48


def write_pdfs(folder: Path, n_documents: int, seed: int = 21) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    chance = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(n_documents):
        canvas = Canvas(str(folder / f"paper-{number:05}.pdf"), pagesize=A4, invariant=1)
        for _ in range(N_PAGES):
            for line in range(N_LINES):
                said = " ".join(chance.choice(words) for words in (SUBJECTS, VERBS, REASONS))
                canvas.drawString(40, 800 - 15 * line, f"{said}, {chance.randint(0, 999)}.")
            canvas.showPage()
        canvas.save()


def ingest_on_workers(folder: Path, warm_up: Path) -> dict[str, Any]:
    """Seconds of the flow in this process, whose task runs are on as many workers as the settings say."""
    from tasks.launch import attended, launch

    launch()
    from flows.prepare import ingest
    from infra import catalog as records
    from tasks.dask_runner import own_workers
    from tasks.workplace import workplace

    with own_workers(), attended():
        ingest("submission", str(warm_up))
        started = time.perf_counter()
        outcome = ingest("submission", str(folder))
        seconds = time.perf_counter() - started
    files = records.files(workplace().catalog, "local")
    documents = sorted(zip(files["name"], files["outcome"], strict=True))
    return {"seconds": seconds, "n_new": outcome["n_new"], "documents": [list(one) for one in documents]}


def on_workers(n_workers: int, folder: Path, warm_up: Path, home: Path, api_url: str) -> dict[str, Any]:
    """The same in a process of its own."""
    environment = {
        **os.environ,
        "TRAINYARD_HOME": str(home),
        "TRAINYARD_LOG_LEVEL": "WARNING",
        "TRAINYARD_PREFECT_API_URL": api_url,
        "TRAINYARD_TASK_RUNNER": "dask",
        "TRAINYARD_WORKERS": str(n_workers),
    }
    command = [sys.executable, __file__, "--part", str(folder), str(warm_up)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure_dask(root: Path, n_pdfs: int, n_repeats: int) -> float:
    """How many times as fast two workers are as one: the median of pairs measured in turns."""
    from infra.servers import serving
    from infra.settings import Settings

    write_pdfs(root / "pdfs", n_pdfs)
    # As many as make a chunk for each of two workers.
    write_pdfs(root / "warm-up", 50, seed=22)
    ratios = []
    with serving(_settings(Settings, root / "servers"), worker=False) as servers:
        for turn in range(n_repeats):
            told = {}
            for n_workers in (1, 2) if turn % 2 == 0 else (2, 1):
                home = root / f"dask-{n_workers}-{turn}"
                told[n_workers] = on_workers(
                    n_workers, root / "pdfs", root / "warm-up", home, servers.prefect_api_url
                )
                seconds = told[n_workers]["seconds"]
                what = f"{n_pdfs} PDFs, {n_workers} Dask worker{'s' * (n_workers - 1)}"
                machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
                show(what, f"{seconds:.2f} s", f"({n_pdfs / seconds:.1f} a second; {machine})")
            if told[1]["documents"] != told[2]["documents"] or told[1]["n_new"] != n_pdfs:
                raise SystemExit("two workers did not record what one does")
            ratios.append(told[1]["seconds"] / told[2]["seconds"])
    return statistics.median(ratios)


def _settings(make: Any, home: Path) -> Any:
    import socket

    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in (one, other)]
    return make(
        home=home,
        prefect_port=ports[0],
        mlflow_port=ports[1],
        mlflow_tracking_uri=f"sqlite:///{home}/mlflow.db",
        mlflow_artifact_root=str(home / "mlartifacts"),
        _env_file=None,
    )


def measure_growth(root: Path, sizes: list[int]) -> list[dict[str, float]]:
    """Seconds, megabytes and task runs of so many documents."""
    table = []
    for n_documents in sizes:
        write_texts(root / "texts", n_documents)
        told = apart("pipeline", root / "texts", root / "home", watched=True)
        show_part(f"{n_documents} documents", told)
        show("  again, all known", f"{told['again_seconds']:.2f} s")
        show("  peak memory, task runs", f"{told['peak_mb']:.0f} MB", f"{told['task_runs']} task runs")
        table.append(
            {
                "documents": n_documents,
                "seconds": round(told["seconds"], 2),
                "cpu_seconds": round(told["cpu_seconds"], 2),
                "again_seconds": round(told["again_seconds"], 2),
                "peak_mb": round(told["peak_mb"]),
                "task_runs": told["task_runs"],
            }
        )
        for folder in ("texts", "home"):
            shutil.rmtree(root / folder, ignore_errors=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pdfs", type=int, default=600, help="0 leaves Dask out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", default="1000,10000,100000", help="documents, by commas; '' for none")
    parser.add_argument("--part", nargs=2, metavar=("FOLDER", "WARM_UP"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(ingest_on_workers(*map(Path, given.part))))
        return
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="trainyard-scale-") as place:
        if given.pdfs:
            figures["dask_speedup"] = round(measure_dask(Path(place), given.pdfs, given.repeats), 3)
            show("dask_speedup", f"{figures['dask_speedup']:.2f}", f"(bar: at least {BAR:g})")
        sizes = [int(size) for size in given.sizes.split(",") if size.strip()]
        figures["growth"] = measure_growth(Path(place), sizes)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
