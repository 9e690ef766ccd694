"""What orchestration costs when documents come in, against a bare loop over the same files.

    python benchmarks/ingest.py [--documents 5000] [--many 20000] [--repeats 3]

The bare loop is one process that reads, extracts (with quality and language), hashes (file and text) and
inserts each text into SQLite, a commit every 500. The pipeline is the flow `ingest` as the command line
runs it, with everything it keeps beyond that (near-copy signatures, store, catalog, reader processes that
no file can harm, Prefect's record). Counted for both: loading what extraction needs, for the pipeline also
starting its readers and making the catalog. For neither: Python's own start, and for the pipeline
importing Prefect and starting its server.

Texts are made here, from a seed, and each part runs in a process and a TRAINYARD_HOME of its own. Bare
loop and pipeline take turns; figures are medians. Memory is that of the pipeline's process and all its
children, as the system counts it, above what it was when the flow began.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BARS = {"ratio_to_bare": 1.5, "rerun_speedup": 10.0, "task_runs": 100, "peak_mb": 1024}
SUBJECTS = (
    "the light of the sun", "a falling stone", "the market", "a living cell", "the parliament", "salt water",
    "the author", "an electric charge", "the harvest", "a chemical bond", "the river", "the narrator",
)  # fmt: skip
VERBS = (
    "scatters", "gains speed", "rises in price", "divides", "passes a law", "dissolves slowly", "contradicts",
    "repels another", "depends on rain", "shares its electrons", "carves a valley", "deceives the reader",
)  # fmt: skip
REASONS = (
    "because short waves are deflected more", "since gravity pulls evenly on every mass",
    "when demand grows and supply does not", "after its chromosomes were copied", "if a majority agrees",
    "as water surrounds each of its ions", "although earlier chapters say otherwise", "in spite of the wind",
)  # fmt: skip


def write_texts(folder: Path, n_documents: int, seed: int = 20) -> None:
    """Papers of about 80 to 250 words (a few answers each), no two alike, the same on every machine."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(n_documents):
        sentences = [
            f"{chance.choice(SUBJECTS).capitalize()} {chance.choice(VERBS)} {chance.choice(REASONS)}."
            for _ in range(chance.randint(8, 24))
        ]
        text = f"Student {number}\n\n" + "\n".join(sentences) + "\n"
        (folder / f"essay-{number:05}.txt").write_text(text)


def bare(folder: Path, home: Path) -> dict[str, float]:
    """The loop that anyone would write first."""
    home.mkdir()
    started, cpu = time.perf_counter(), time.process_time()
    # Counted, as the start of the pipeline's readers is.
    from domain.documents.reading import extract
    from domain.identity import hash_file, hash_text

    database = sqlite3.connect(home / "bare.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(
        "CREATE TABLE documents (text_sha256 TEXT PRIMARY KEY, file_sha256 TEXT UNIQUE, name TEXT, "
        "text TEXT, method TEXT, language TEXT, quality REAL)"
    )
    for number, path in enumerate(sorted(folder.iterdir()), start=1):
        found = extract(path)
        row = (hash_text(found.text), hash_file(path), path.name, found.text, found.method, found.language)
        database.execute("INSERT OR IGNORE INTO documents VALUES (?,?,?,?,?,?,?)", (*row, found.quality))
        if number % 500 == 0:
            database.commit()
    database.commit()
    return {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}


def pipeline(folder: Path, home: Path) -> dict[str, float]:
    """The flow on the same files, and twice more."""
    with _ready(home) as ingest:
        print("ready", flush=True)
        first = _timed(ingest, folder)
        again = [_timed(ingest, folder) for _ in range(2)]
        n_runs = _task_runs()
    n_files = first.outcome["n_files"]
    if any((first.outcome["n_new"], one.outcome["n_known"]) != (n_files, n_files) for one in again):
        raise SystemExit(f"not every text became a document once: {first.outcome}")
    return {
        "seconds": first.seconds,
        "cpu_seconds": first.cpu_seconds,
        "again_seconds": statistics.mean(one.seconds for one in again),
        "task_runs": max(n_runs),
    }


class _timed:  # noqa: N801
    def __init__(self, ingest: Any, folder: Path) -> None:
        started, cpu = time.perf_counter(), _cpu_seconds()
        self.outcome = ingest("submission", str(folder))
        self.seconds, self.cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu


@contextmanager
def _ready(home: Path) -> Iterator[Any]:
    """The flow in this process, with its server up and its imports done."""
    os.environ["TRAINYARD_HOME"] = str(home)
    os.environ.setdefault("TRAINYARD_LOG_LEVEL", "WARNING")
    os.environ.pop("PREFECT_API_URL", None)
    from tasks.launch import attended, launch, serve

    launch()
    serve()
    from prefect.client.orchestration import get_client

    from flows.prepare import ingest

    with attended(), get_client(sync_client=True) as client:
        client.api_healthcheck()
        _settle()
        yield ingest


def _settle() -> None:
    """Waits until the server has done what it does after its start (services, clean-up), 20 s at most."""
    for _ in range(40):
        before = _cpu_seconds()
        time.sleep(0.5)
        if _cpu_seconds() - before < 0.05:
            return


def _task_runs() -> list[int]:
    """The number of task runs of each flow run so far."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        flow_runs = client.read_flow_runs()
        time.sleep(3)  # the server records task runs a moment after they end
        return [len(client.read_task_runs(flow_run_filter=_only(run.id), limit=200)) for run in flow_runs]


def _only(flow_run_id: Any) -> Any:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    return FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))


def _cpu_seconds() -> float:
    """Of this process, its readers and its server: steadier than the clock where others work as well."""
    times = [process.cpu_times() for process in _family()]
    return float(sum(each.user + each.system for each in times))


def _family(pid: int | None = None) -> Iterator[Any]:
    import psutil

    here = psutil.Process(pid)
    with suppress(psutil.Error):
        for process in (here, *here.children(recursive=True)):
            with suppress(psutil.Error):  # it ended just now
                process.cpu_times()
                yield process


class _Memory:
    """Watches the memory of a process and all its children (readers, server) from outside."""

    def __init__(self, pid: int) -> None:
        self._pid, self._start = pid, self._now(pid)
        self.peak_mb, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.25):
            self.peak_mb = max(self.peak_mb, (self._now(self._pid) - self._start) / 2**20)

    @staticmethod
    def _now(pid: int) -> int:
        import psutil

        total = 0
        for process in _family(pid):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total


def apart(part: str, folder: Path, home: Path, *, watched: bool = False) -> dict[str, float]:
    """What a part says, run in a process of its own; with `peak_mb` where its memory is watched."""
    command = [sys.executable, __file__, "--part", part, str(folder), str(home)]
    memory, line = None, ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if watched and line == "ready\n":
                memory = _Memory(process.pid)
    if memory:
        memory.stop()
    if process.returncode:
        raise SystemExit(f"the part {part!r} failed, see above")
    return {**json.loads(line), **({"peak_mb": memory.peak_mb} if memory else {})}


def measure(n_documents: int, n_many: int, n_repeats: int) -> dict[str, float]:
    """The figures, printed as a table on the way."""
    with tempfile.TemporaryDirectory(prefix="trainyard-ingest-") as place:
        root = Path(place)
        write_texts(root / "texts", n_documents)
        loops, flows = [], []
        for turn in range(n_repeats):
            loops.append(apart("bare", root / "texts", root / f"bare-{turn}"))
            show_part(f"bare loop, {n_documents} documents", loops[-1])
            flows.append(apart("pipeline", root / "texts", root / f"home-{turn}"))
            show_part(f"pipeline, {n_documents} documents", flows[-1])
            show("pipeline again, all known", f"{flows[-1]['again_seconds']:.2f} s")
        first = _median(flows, "seconds")
        figures = {
            "ratio_to_bare": first / _median(loops, "seconds"),
            "rerun_speedup": first / _median(flows, "again_seconds"),
            "task_runs": max(flow["task_runs"] for flow in flows),
        }
        if n_many:
            write_texts(root / "many", n_many)
            many = apart("pipeline", root / "many", root / "many-home", watched=True)
            show_part(f"pipeline, {n_many} documents", many)
            figures["task_runs"] = max(figures["task_runs"], many["task_runs"])
            figures["peak_mb"] = many["peak_mb"]
    for name, figure in figures.items():
        bound = "at least" if name == "rerun_speedup" else "at most"
        show(name, f"{figure:.2f}", f"(bar: {bound} {BARS[name]:g})")
    return figures


def _median(parts: list[dict[str, float]], name: str) -> float:
    return statistics.median(part[name] for part in parts)


def show_part(what: str, part: dict[str, float]) -> None:
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    show(what, f"{part['seconds']:.2f} s", f"({part['cpu_seconds']:.2f} s of CPU; {machine})")


def show(what: str, value: str, remark: str = "") -> None:
    print(f"{what:<34}{value:>12}  {remark}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--many", type=int, default=20_000, help="for the memory; 0 leaves that part out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", nargs=3, metavar=("PART", "FOLDER", "HOME"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part = {"bare": bare, "pipeline": pipeline}[given.part[0]]
        print(json.dumps(part(Path(given.part[1]), Path(given.part[2]))))
        return
    figures = measure(given.documents, given.many, given.repeats)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
