"""Text of pictures, by rapidocr, whose models are in its package: nothing is fetched.

A page that stands on its side or its head is turned: where the letters make little sense as they are, the
other three ways are tried and the best is kept. Words keep their places, so columns are found as in PDFs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from domain.documents.extraction import Table
from domain.documents.page_lines import Word, lines_of_words
from domain.documents.pdf_columns import lines_with_columns
from domain.errors import InputError

MOST_PIXELS = 40_000_000
"""Of a picture: A4 at 600 dpi has 35 million."""
_LONGEST_SIDE = 3500
"""Pixels; a larger picture is made smaller, which costs no letters."""
_SURE, _TURNED_LESS = 0.85, 0.5
"""Mean confidence from which a page is taken as it stands; share of tall boxes from which it is not."""
_LEAST_LINES = 3
INSTALL = "install the extra that reads pictures: pip install 'trainyard[ocr]'"


_READ, _UNREAD = "read by OCR, confidence", "is a picture and was not read"
_SAID_READ = re.compile(rf"page (\d+) {_READ} ([01]\.\d\d)")
_SAID_UNREAD = re.compile(rf"page (\d+) {_UNREAD}")
_DOUBTFUL = 0.95
"""Confidence below which a page is to be held against its source. On 129 rendered pages, made worse by blur,
noise and JPEG, word F1 was 0.88 or better from it on and fell to 0.04 below; at 150 dpi no page lay below."""


@dataclass(frozen=True)
class Seen:
    """What was read on a picture. `confidence` in [0, 1] is the mean over letters; 0 for an empty page."""

    text: str
    tables: tuple[Table, ...]
    confidence: float
    turned: int
    """Degrees, clockwise, by which the picture was turned to be read."""

    def told(self, page: int) -> str:
        """The note on this page, from which `doubtful_pages` reads again."""
        turned = f", turned by {self.turned}°" if self.turned else ""
        return f"page {page} {_READ} {self.confidence:.2f}{turned}"


def is_installed() -> bool:
    """Whether pictures can be read here."""
    return find_spec("rapidocr") is not None


def told_unread(page: int) -> str:
    """The note on a page that is a picture and was left out."""
    why = "too many such pages: split the file" if is_installed() else INSTALL
    return f"page {page} {_UNREAD}: {why}"


def doubtful_pages(notes: Iterable[str]) -> Iterator[str]:
    """For each page that OCR was not sure of, or that was not read, what a person should do about it."""
    for note in notes:
        if found := _SAID_READ.match(note):
            if float(found[2]) < _DOUBTFUL:
                yield f"{found[0]}: hold its items against the source, or scan it anew"
        elif _SAID_UNREAD.match(note):
            yield note


def confidence_of_pages(notes: Iterable[str]) -> dict[int, float]:
    """The mean confidence of each page that was read by OCR."""
    return {int(found[1]): float(found[2]) for note in notes if (found := _SAID_READ.match(note))}


def read_picture(picture: Any, number: int, name: str, turned: int = 0) -> Seen:
    """The text of a Pillow image in reading order; `number` is its page.

    `turned` is tried first, the way that the page before it lay. Raises InputError without an engine.
    """
    if not is_installed():
        raise InputError(f"{name}: this is a scan or a picture: {INSTALL}")
    picture = _sized(picture)
    best = _tried(picture, turned)
    if best.mean < _SURE or best.tall > _TURNED_LESS:
        others = [_tried(picture, way) for way in (0, 90, 180, 270) if way != turned]
        best = max((best, *others), key=lambda one: one.sense)
    lines = lines_of_words(best.words)
    found = lines_with_columns(lines, number)
    text = found.text if found else "\n".join(line.text for line in lines)
    return Seen(text, (found.table,) if found else (), round(best.mean, 3), best.turned)


@dataclass(frozen=True)
class _Try:
    words: tuple[Word, ...]
    mean: float
    tall: float
    turned: int

    @property
    def sense(self) -> float:
        """How many letters were read, each as far as it is sure, and words that lie as they should."""
        return sum(len(word.text) for word in self.words) * self.mean**2 * (1 - self.tall)


def _tried(picture: Any, turned: int) -> _Try:
    import numpy as np

    # Pillow turns the other way round.
    pixels = np.asarray(picture.rotate(-turned, expand=True) if turned else picture)
    found = _engine()(pixels, use_cls=False)
    words, letters, sure, tall = [], 0, 0.0, 0
    for box, text, score in zip(
        found.boxes if found.boxes is not None else (), found.txts or (), found.scores or (), strict=True
    ):
        xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
        # Pictures count heights downwards.
        words.append(Word(str(text).strip(), min(xs), max(xs), -max(ys), -min(ys)))
        letters += len(text)
        sure += float(score) * len(text)
        tall += max(ys) - min(ys) > 1.5 * (max(xs) - min(xs))
    kept = tuple(word for word in words if word.text)
    few = len(kept) < _LEAST_LINES
    return _Try(kept, sure / letters if letters else 0.0, 0.0 if few else tall / len(kept), turned)


def _sized(picture: Any) -> Any:
    longest = max(picture.size)
    plain = picture.convert("RGB")
    if longest <= _LONGEST_SIDE:
        return plain
    scale = _LONGEST_SIDE / longest
    return plain.resize((max(int(plain.width * scale), 1), max(int(plain.height * scale), 1)))


@lru_cache(maxsize=1)
def _engine() -> Any:
    """One a process; a reader is one of many, so it computes by one thread."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
