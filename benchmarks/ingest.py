"""What orchestration costs when documents come in, against a bare loop over the same files.

    python benchmarks/ingest.py [--documents 5000] [--many 20000]

The bare loop is one process that reads, extracts and hashes each text and inserts it into SQLite, a
commit every 500. The pipeline is the flow `ingest` with everything it keeps (near-copy signatures, store,
catalog, reader processes that no file can harm, Prefect's record), against a server that is up already.
Texts are made here, from a seed, and each part runs in a process and a TRAINYARD_HOME of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
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
    """The flow on the same files, twice."""
    with _ready(home) as (ingest, memory):
        first = _timed(ingest, folder)
        again = _timed(ingest, folder)
        n_runs = _task_runs()
    if (first.outcome["n_new"], again.outcome["n_known"]) != (first.outcome["n_files"],) * 2:
        raise SystemExit(f"not every text became a document once: {first.outcome}, {again.outcome}")
    return {
        "seconds": first.seconds,
        "cpu_seconds": first.cpu_seconds,
        "again_seconds": again.seconds,
        "task_runs": max(n_runs),
        "peak_mb": memory.peak_mb,
    }


class _timed:  # noqa: N801
    def __init__(self, ingest: Any, folder: Path) -> None:
        started, cpu = time.perf_counter(), _cpu_seconds()
        self.outcome = ingest("submission", str(folder))
        self.seconds, self.cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu


@contextmanager
def _ready(home: Path) -> Iterator[tuple[Any, _Memory]]:
    """The flow in this process, with its server up and its imports done, and the memory from here on."""
    os.environ["TRAINYARD_HOME"] = str(home)
    os.environ.setdefault("TRAINYARD_LOG_LEVEL", "WARNING")
    os.environ.pop("PREFECT_API_URL", None)
    from tasks.launch import launch

    launch()
    from prefect.client.orchestration import get_client

    from flows.prepare import ingest

    with get_client(sync_client=True) as client:
        client.api_healthcheck()
        with _Memory() as memory:
            yield ingest, memory


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
    return sum(each.user + each.system for each in times)


def _family() -> Iterator[Any]:
    import psutil

    here = psutil.Process()
    for process in (here, *here.children(recursive=True)):
        try:
            process.cpu_times()
        except psutil.Error:
            continue  # it ended just now
        yield process


class _Memory:
    """The most memory above the start of this process and all its children (readers, server)."""

    def __enter__(self) -> _Memory:
        self._start = self._now()
        self.peak_mb, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.peak_mb = max(self.peak_mb, (self._now() - self._start) / 2**20)

    def _now(self) -> int:
        import psutil

        total = 0
        for process in _family():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total


def _apart(part: str, folder: Path, home: Path) -> dict[str, float]:
    """What a part says, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, str(folder), str(home)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(n_documents: int, n_many: int) -> dict[str, float]:
    """The figures, printed as a table on the way."""
    with tempfile.TemporaryDirectory(prefix="trainyard-ingest-") as place:
        root = Path(place)
        write_texts(root / "texts", n_documents)
        loop = _apart("bare", root / "texts", root / "bare")
        flow = _apart("pipeline", root / "texts", root / "home")
        figures = {
            "ratio_to_bare": flow["seconds"] / loop["seconds"],
            "rerun_speedup": flow["seconds"] / flow["again_seconds"],
            "task_runs": flow["task_runs"],
            "peak_mb": flow["peak_mb"],
        }
        for what, part in (("bare loop", loop), ("pipeline", flow)):
            machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            used = f"({part['cpu_seconds']:.2f} s of CPU; {machine})"
            show(f"{what}, {n_documents} documents", f"{part['seconds']:.2f} s", used)
        show("pipeline again, all known", f"{flow['again_seconds']:.2f} s")
        if n_many:
            write_texts(root / "many", n_many)
            many = _apart("pipeline", root / "many", root / "many-home")
            figures["peak_mb"] = many["peak_mb"]
            figures["task_runs"] = max(flow["task_runs"], many["task_runs"])
            show(f"pipeline, {n_many} documents", f"{many['seconds']:.2f} s")
    for name, limit in BARS.items():
        bound = "at least" if name == "rerun_speedup" else "at most"
        show(name, f"{figures[name]:.2f}", f"(bar: {bound} {limit:g})")
    return figures


def show(what: str, value: str, remark: str = "") -> None:
    print(f"{what:<34}{value:>12}  {remark}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--many", type=int, default=20_000, help="for the memory; 0 leaves that part out")
    parser.add_argument("--part", nargs=3, metavar=("PART", "FOLDER", "HOME"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part = {"bare": bare, "pipeline": pipeline}[given.part[0]]
        print(json.dumps(part(Path(given.part[1]), Path(given.part[2]))))
        return
    print(json.dumps({name: round(value, 3) for name, value in measure(given.documents, given.many).items()}))


if __name__ == "__main__":
    main()
