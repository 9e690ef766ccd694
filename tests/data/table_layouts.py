"""How exam boards and teachers lay marking guides out as tables. A layout makes blocks; writers draw them.

Modelled on the look of AQA, OCR, Pearson Edexcel, Cambridge and IB mark schemes; all words are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from papers import Paper, Part

BULLET = "\uf0b7"
"""The bullet of the font Symbol, as it comes out of Word."""


@dataclass(frozen=True)
class Grid:
    """A table; `rows[0]` is the header."""

    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    merged: tuple[tuple[int, int, int, int], ...] = ()
    """(first row, first column, last row, last column) of cells that are one."""


Block = str | Grid
Layout = Callable[[Paper], list[Block]]


@dataclass
class _Rows:
    header: tuple[str, ...]
    widths: tuple[float, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def merge(self, first: int, last: int, column: int) -> None:
        if last > first:
            self.merged.append((first + 1, column, last + 1, column))

    def grid(self) -> Grid:
        return Grid((self.header, *self.rows), self.widths, tuple(self.merged))


def _shown(part: Part, form: str) -> str:
    top, *below = part.levels
    if form == "01.1":
        return f"0{top}.{'.'.join(str(_index(level)) for level in below)}".rstrip(".")
    if form == "1a":
        return top + "".join(below)
    return top + "".join(f"({level})" for level in below)


def _index(level: str) -> int:
    romans = ["i", "ii", "iii", "iv", "v"]
    return romans.index(level) + 1 if level in romans else ord(level) - ord("a") + 1


def _lines(part: Part, bullet: str = "", *, marked: bool = False) -> str:
    worth = f" [{part.each:g}]" if marked and part.each else ""
    return "\n".join([*([part.rule] if part.rule else []), *(f"{bullet}{p}{worth}" for p in part.points)])


def _extra(part: Part) -> str:
    told = [f"allow {text}" for text in part.accept] + [f"do not accept {text}" for text in part.reject]
    return "\n".join([*told, *([part.guidance] if part.guidance else [])])


def aqa(paper: Paper) -> list[Block]:
    """Question | Answers | Extra information | Mark | AO / Spec. Ref.; a Total row for each question."""
    rows = _Rows(
        ("Question", "Answers", "Extra information", "Mark", "AO /\nSpec. Ref."), (55, 190, 130, 40, 75)
    )
    for top, parts in paper.questions():
        for part in parts:
            rows.add(
                _shown(part, "01.1"),
                _lines(part, f"{BULLET} "),
                _extra(part),
                f"{part.marks:g}",
                f"{part.objective}\n4.2.{top}.1",
            )
        rows.add(f"Total Question {top}", "", "", f"{sum(p.marks for p in parts):g}", "")
    return [
        paper.title,
        "General marking instructions",
        "Read every answer to the end. 1 mark may be lost only once for the same error.",
        f"Total for paper: {paper.stated:g} marks",
        rows.grid(),
    ]


def ocr(paper: Paper) -> list[Block]:
    """The number in three columns, carried down blank cells: Question | | | Answer | Marks | Guidance."""
    rows = _Rows(("Question", "", "", "Answer", "Marks", "Guidance"), (28, 28, 28, 210, 45, 150))
    before: tuple[str, ...] = ()
    for part in paper.parts:
        cells = []
        for depth in range(3):
            level = part.levels[depth] if depth < len(part.levels) else ""
            same = level and part.levels[: depth + 1] == before[: depth + 1]
            cells.append("" if same or not level else level if depth == 0 else f"({level})")
        before = part.levels
        rows.add(*cells, _lines(part), f"{part.marks:g}", _extra(part))
    rows.add("", "", "", "Total", f"{paper.stated:g}", "")
    rows.merged.append((0, 0, 0, 2))
    return [paper.title, rows.grid()]


def edexcel(paper: Paper) -> list[Block]:
    """A table for each item, each with a header: Question number | Answer | Additional guidance | Mark."""
    blocks: list[Block] = [paper.title]
    for top, parts in paper.questions():
        for part in parts:
            rows = _Rows(("Question\nnumber", "Answer", "Additional guidance", "Mark"), (65, 220, 150, 50))
            rows.add(_shown(part, "1(a)(i)"), _lines(part, "• "), _extra(part), f"({part.marks:g})")
            blocks.append(rows.grid())
        blocks.append(f"Total for Question {top} = {sum(p.marks for p in parts):g} marks")
    return [*blocks, f"TOTAL FOR PAPER = {paper.stated:g} MARKS"]


def cambridge(paper: Paper) -> list[Block]:
    """Question | Answer | Marks with points that end in ";", the header again on every page."""
    rows = _Rows(("Question", "Answer", "Marks"), (70, 340, 60))
    for part in paper.parts:
        lines = [*([part.rule] if part.rule else []), *(f"{point} ;" for point in part.points)]
        rows.add(_shown(part, "1(a)(i)"), "\n".join(lines), f"{part.marks:g}")
    return [paper.title, f"MAXIMUM MARK: {paper.stated:g}", rows.grid()]


def several_integers(paper: Paper) -> list[Block]:
    """A mark for each point in one cell of marks, line by line."""
    rows = _Rows(("Q", "Expected answer", "Marks", "Comments"), (40, 230, 45, 160))
    for part in paper.parts:
        whole = bool(part.rule) or not part.each
        cell = f"{part.marks:g}" if whole else "\n".join(f"{part.each:g}" for _ in part.points)
        rows.add(_shown(part, "1a"), _lines(part), cell, _extra(part))
    return [paper.title, rows.grid(), f"Total: {paper.stated:g}"]


def codes(paper: Paper) -> list[Block]:
    """Mathematics: Question | Answer | Mark | AO | Notes, a code for each mark, the total in brackets."""
    rows = _Rows(("Question", "Working / Answer", "Mark", "AO", "Notes"), (60, 200, 60, 45, 120))
    for part in paper.parts:
        given = part.codes or tuple("B1" for _ in range(int(part.marks)))
        rows.add(
            _shown(part, "1(a)(i)"),
            _lines(part),
            "\n".join(given),
            "\n".join("1.1b" for _ in given),
            part.guidance,
        )
        rows.add("", "", f"({part.marks:g})", "", "")
    return [paper.title, rows.grid(), f"Total for paper {paper.stated:g} marks"]


def row_a_point(paper: Paper) -> list[Block]:
    """A row for each point with its mark, the number only in the first, guidance merged over them."""
    rows = _Rows(("Question", "Answer", "Mark", "Guidance"), (60, 240, 45, 140))
    for part in paper.parts:
        first = len(rows.rows)
        spread = part.points if part.each and not part.rule else ()
        for n, point in enumerate(spread):
            rows.add(
                _shown(part, "1(a)(i)") if n == 0 else "",
                point,
                f"{part.each:g}",
                _extra(part) if n == 0 else "",
            )
        if not spread:
            rows.add(_shown(part, "1(a)(i)"), _lines(part), f"{part.marks:g}", _extra(part))
        rows.merge(first, len(rows.rows) - 1, 3)
    rows.add("Total", "", f"{paper.stated:g}", "")
    return [paper.title, rows.grid()]


def merged_numbers(paper: Paper) -> list[Block]:
    """The question's number merged over its parts, the parts in a column of their own."""
    rows = _Rows(("No.", "Part", "Answer", "Max. marks"), (40, 50, 300, 60))
    for top, parts in paper.questions():
        first = len(rows.rows)
        for n, part in enumerate(parts):
            below = "".join(f"({level})" for level in part.levels[1:])
            rows.add(top if n == 0 else "", below, _lines(part, "- "), f"{part.marks:g}")
        rows.merge(first, len(rows.rows) - 1, 0)
    return [paper.title, f"Total marks: {paper.stated:g}", rows.grid()]


def numbers(name: str, paper: Paper) -> list[str]:
    """The items' numbers as this layout prints them."""
    if name == "aqa":
        return [
            ".".join([part.levels[0], *(str(_index(level)) for level in part.levels[1:])])
            for part in paper.parts
        ]
    return [part.number for part in paper.parts]


LAYOUTS: dict[str, Layout] = {
    "aqa": aqa,
    "ocr": ocr,
    "edexcel": edexcel,
    "cambridge": cambridge,
    "several": several_integers,
    "codes": codes,
    "points": row_a_point,
    "merged": merged_numbers,
}
