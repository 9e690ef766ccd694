"""How fast PDFs are read, walls included, against pypdf called bare in one process a core; and OCR.

    python benchmarks/extract.py [--copies 2] [--ocr-pages 24]

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
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "data"))

import psutil
from make_guides import make

from domain.documents.ocr import is_installed, read_picture
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


def ocr_word_f1(pdfs: list[Path], n_pages: int) -> float | None:
    """Mean word F1 of OCR on pages rendered at 150 dpi, against the pages' own letters."""
    if not is_installed():
        print("no OCR engine is installed")
        return None
    import pypdfium2

    scores, begun = [], time.perf_counter()
    for path in pdfs[:: max(len(pdfs) // n_pages, 1)][:n_pages]:
        document = pypdfium2.PdfDocument(path)
        own = words(document[0].get_textpage().get_text_range())
        seen = words(read_picture(document[0].render(scale=150 / 72).to_pil(), 1, path.name).text)
        scores.append(2 * sum((own & seen).values()) / max(sum(own.values()) + sum(seen.values()), 1))
        document.close()
    seconds = (time.perf_counter() - begun) / len(scores)
    print(
        f"rapidocr: word F1 {statistics.mean(scores):.3f} on {len(scores)} pages at 150 dpi (worst "
        f"{min(scores):.3f}), {seconds:.1f} s a page; tesseract cannot run behind the walls and is not used"
    )
    return statistics.mean(scores)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


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
    arguments.add_argument("--ocr-pages", type=int, default=24)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        examples = [path for path in sorted(EXAMPLES.rglob("*.pdf")) if "broken" not in path.name]
        # Scans are read by OCR, which pypdf does not do: they are measured below, by the page.
        made = [path for path in sorted(Path(folder).glob("*.pdf")) if "-scan-" not in path.name]
        pdfs = [*examples, *made]
        paths = pdfs * given.copies
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
        f1 = ocr_word_f1(pdfs, given.ocr_pages)
    figures = {
        "ratio_to_bare": round(statistics.median(o / b for o, b in zip(ours, bares, strict=True)), 3),
        "pages_per_cpu_second": round(statistics.median(per_cpu), 1),
        "ocr_word_f1": None if f1 is None else round(f1, 4),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
