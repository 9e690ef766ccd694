"""Makes the ground-truth set: marking guides in many layouts and formats, each with what is true of it.

    python tests/data/make_guides.py FOLDER

Beside each `NAME.pdf` (or .docx, .html, ...) stands `NAME.truth.json`:
{"items": [{"number", "max_score"}], "total", "balances"}. The truth is what the guide was made from, so it
is exact. In guides that do not balance only the printed total is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import program_formats
import prose_layouts
import sheet_layouts
import table_layouts
import writers
from papers import BIOLOGY, COMPUTING, MATHS, PAPERS, Paper

ALL_WRITERS = ("ruled", "docx", "html", "xlsx")
MORE_WRITERS = {
    "aqa": ("small", "cut", "turned", "md"),
    "ocr": ("across", "shaded"),
    "cambridge": ("across", "long", "turnedacross", "turned", "shaded", "small", "cut", "csv"),
    "several": ("across",),
    "points": ("small",),
    "codes": ("across",),
}
PROSE_WRITERS = {"keyword": (".txt", ".pdf", ".docx", ".rtf"), "nested": (".txt", ".pdf", ".docx")}


@dataclass(frozen=True)
class Guide:
    """A guide to be written: its file's name, content and truth."""

    name: str
    content: bytes
    truth: dict[str, object]


def guides() -> Iterator[Guide]:
    """The whole set, in a fixed order."""
    for name in table_layouts.LAYOUTS:
        for writer in (*ALL_WRITERS, *MORE_WRITERS.get(name, ())):
            for paper in _papers(name):
                yield _table(name, writer, paper)
        yield _table(name, "ruled", _papers(name)[0].off_by(1), "unbalanced")
    yield _table("aqa", "ruled", BIOLOGY.slipped("1", 1), "slipped")
    yield from _sheets()
    yield from _programs()
    yield _table("cambridge", "scan", BIOLOGY)
    yield _table("points", "scan", COMPUTING)
    for name in prose_layouts.LAYOUTS:
        for suffix in PROSE_WRITERS.get(name, (".txt", ".md")):
            for paper in PAPERS:
                yield _prose(name, suffix, paper)
        yield _prose(name, ".txt", BIOLOGY.off_by(-2), "unbalanced")


def _sheets() -> Iterator[Guide]:
    for name, layout in sheet_layouts.LAYOUTS.items():
        papers = (MATHS,) if name in ("totals", "noheader", "examples", "explained") else PAPERS
        writers_of = ("ruled",) if name == "noheader" else ("ruled", "docx", "html")
        for writer in writers_of:
            draw, suffix = writers.WRITERS[writer]
            for paper in papers:
                yield Guide(
                    _named(name, writer, paper, "", suffix),
                    draw(layout(paper)),
                    _truth(paper, [part.number for part in paper.parts], paper.balances),
                )
        wrong = (
            papers[0].slipped("3", 1) if name in sheet_layouts.WITH_QUESTION_TOTALS else papers[0].off_by(2)
        )
        yield Guide(
            _named(name, "ruled", wrong, "unbalanced", ".pdf"),
            writers.pdf_ruled(layout(wrong)),
            _truth(wrong, [part.number for part in wrong.parts], wrong.balances),
        )


def _programs() -> Iterator[Guide]:
    for name, form in program_formats.FORMATS.items():
        wrong = [BIOLOGY.off_by(1)] if name in program_formats.STATES_TOTAL else []
        for paper in (*PAPERS, *wrong):
            mark = "" if paper.balances else "unbalanced"
            numbers = [part.number if form.numbered else str(n) for n, part in enumerate(paper.parts, 1)]
            content = form.write(paper)
            truth = _truth(paper, numbers, paper.balances)
            if name == "gift":
                truth["items"] = [{"number": number, "max_score": 1} for number in numbers]
            name_of_file = _named(name, "program", paper, mark, form.suffix)
            yield Guide(name_of_file, content.encode() if isinstance(content, str) else content, truth)


def _papers(name: str) -> tuple[Paper, ...]:
    return (
        (MATHS,)
        if name in ("codes", "methods", "sums")
        else (BIOLOGY, COMPUTING)
        if name == "several"
        else PAPERS
    )


def _table(name: str, writer: str, paper: Paper, mark: str = "") -> Guide:
    draw, suffix = writers.WRITERS[writer]
    content = draw(table_layouts.LAYOUTS[name](paper))
    numbers = table_layouts.numbers(name, paper)
    balances = paper.balances if writer != "csv" else True
    return Guide(_named(name, writer, paper, mark, suffix), content, _truth(paper, numbers, balances))


def _prose(name: str, suffix: str, paper: Paper, mark: str = "") -> Guide:
    text = prose_layouts.LAYOUTS[name](paper)
    content = writers.PROSE[suffix](text)
    numbers = prose_layouts.numbers(name, paper)
    return Guide(_named(name, "prose", paper, mark, suffix), content, _truth(paper, numbers, paper.balances))


def _named(layout: str, writer: str, paper: Paper, mark: str, suffix: str) -> str:
    return "-".join(part for part in (layout, writer, paper.title.split()[0].lower(), mark) if part) + suffix


def _truth(paper: Paper, numbers: list[str], balances: bool) -> dict[str, object]:
    items = [{"number": n, "max_score": p.marks} for n, p in zip(numbers, paper.parts, strict=True)]
    return {"items": items, "total": paper.stated, "balances": balances}


def make(folder: Path) -> int:
    """Writes the set; returns how many guides there are."""
    folder.mkdir(parents=True, exist_ok=True)
    made = list(guides())
    for guide in made:
        path = folder / guide.name
        path.write_bytes(guide.content)
        path.with_name(f"{path.name}.truth.json").write_text(
            json.dumps(guide.truth, indent=1), encoding="utf-8"
        )
    return len(made)


if __name__ == "__main__":
    sys.stdout.write(f"{make(Path(sys.argv[1]))} guides\n")
