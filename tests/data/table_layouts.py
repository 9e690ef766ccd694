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
        rows.add(f"Total Question {top}", "", "", f"{paper.sum_of(top):g}", "")
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


def levels(paper: Paper) -> list[Block]:
    """Levels of response for long answers: a row a level, then the content that may be expected."""
    rows = _Rows(
        ("Question", "Answers", "Extra information", "Mark", "AO /\nSpec. Ref."), (55, 190, 130, 40, 75)
    )
    for part in paper.parts:
        if part.marks < 6:
            rows.add(_shown(part, "01.1"), _lines(part), _extra(part), f"{part.marks:g}", part.objective)
            continue
        rows.add(
            _shown(part, "01.1"), "Level 3: a detailed and coherent evaluation", "", "5–6", part.objective
        )
        rows.add("", "Level 2: some logically linked reasons", "", "3–4", "")
        rows.add("", "Level 1: simple statements", "", "1–2", "")
        rows.add("", "No relevant content", "", "0", "")
        rows.add("", "Indicative content\n" + "\n".join(f"• {point}" for point in part.points), "", "", "")
    rows.add("Total", "", "", f"{paper.stated:g}", "")
    return [paper.title, rows.grid()]


def level_tables(paper: Paper) -> list[Block]:
    """A table of levels of its own after each long answer, as wide as the table before it."""
    blocks: list[Block] = [paper.title, f"Maximum mark: {paper.stated:g}"]
    rows = _Rows(("Question", "Answer", "Marks"), (70, 340, 60))
    for part in paper.parts:
        rows.add(_shown(part, "1(a)(i)"), _lines(part), f"{part.marks:g}")
        if part.marks >= 6:
            blocks += [rows.grid(), "Table of levels"]
            table = _Rows(("Level", "Description", "Marks"), (70, 340, 60))
            for level, band in (("Level 3", "5–6"), ("Level 2", "3–4"), ("Level 1", "1–2")):
                table.add(level, "Shows knowledge and understanding of this level.", band)
            blocks.append(table.grid())
            rows = _Rows(("Question", "Answer", "Marks"), (70, 340, 60))
    return [*blocks, rows.grid()] if rows.rows else blocks


def methods(paper: Paper) -> list[Block]:
    """A row a mark, and a second method that earns the same marks again."""
    rows = _Rows(("Q", "Answer", "Mark", "Comments"), (50, 230, 50, 150))
    for part in paper.parts:
        given = part.codes or tuple("B1" for _ in range(int(part.marks)))
        spread = [part.points[min(n, len(part.points) - 1)] for n in range(len(given))]
        twice = len(given) > 1
        if twice:
            rows.add(_shown(part, "1(a)(i)"), "Alternative method 1", "", "")
        for n, (code, text) in enumerate(zip(given, spread, strict=True)):
            rows.add("" if twice or n else _shown(part, "1(a)(i)"), text, code, "oe" if n == 0 else "")
        if twice:
            rows.add("", "Alternative method 2", "", "")
            for code in given:
                rows.add("", "another way to the same result", code, "")
        rows.add("", "Additional Guidance", "", "")
        rows.add("", "Ignore units", "", "")
    return [paper.title, rows.grid(), f"Total {paper.stated:g} marks"]


def question_sums(paper: Paper) -> list[Block]:
    """Codes with the objective beside each, "(2)" below a part, "(5 marks)" below a question, then notes."""
    rows = _Rows(("Question", "Scheme", "Marks", "AOs"), (60, 280, 60, 60))
    for top, parts in paper.questions():
        for part in parts:
            given = part.codes or tuple("B1" for _ in range(int(part.marks)))
            own = _shown(part, "1(a)(i)") if part is parts[0] else "".join(f"({x})" for x in part.levels[1:])
            for n, code in enumerate(given):
                text = part.points[min(n, len(part.points) - 1)]
                rows.add(own if n == 0 else "", text, code, "1.1b")
            if len(parts) > 1:
                rows.add("", "", f"({part.marks:g})", "")
        rows.add("", "", "", f"({sum(p.marks for p in parts):g} marks)")
        rows.add("Notes:", f"M1: for a correct method in question {top}", "", "")
    return [paper.title, rows.grid(), f"Total for paper: {paper.stated:g}"]


def objectives(paper: Paper) -> list[Block]:
    """Marks by objective in columns of their own below "Marks available", the sum in "Total"."""
    rows = _Rows(
        ("Question", "", "", "Marking details", "Marks available", "", "", "", "", ""),
        (30, 26, 26, 190, 36, 36, 36, 40, 40, 36),
    )
    rows.add("", "", "", "", "AO1", "AO2", "AO3", "Total", "Maths", "Prac")
    before: tuple[str, ...] = ()
    for top, parts in paper.questions():
        for part in parts:
            cells = []
            for depth in range(3):
                level = part.levels[depth] if depth < len(part.levels) else ""
                same = level and part.levels[: depth + 1] == before[: depth + 1]
                cells.append("" if same or not level else level if depth == 0 else f"({level})")
            before = part.levels
            worth = f"{part.marks:g}"
            by = [worth if part.objective.startswith(name) else "" for name in ("AO1", "AO2", "AO3")]
            rows.add(*cells, _lines(part), *by, worth, "1" if part.marks > 1 else "", "")
        total = f"{sum(p.marks for p in parts):g}"
        rows.add("", "", "", f"Question {top} total", "1", "1", "0", total, "1", "0")
    rows.merged += [(0, 0, 0, 2), (0, 4, 0, 9)]
    return [paper.title, rows.grid(), f"Total for paper: {paper.stated:g}"]


def ticks(paper: Paper) -> list[Block]:
    """The IB's: numbers in three columns, a tick for each mark, notes, and the sum in "Total"."""
    rows = _Rows(("Question", "", "", "Answers", "Notes", "Total"), (28, 24, 24, 230, 130, 45))
    before: tuple[str, ...] = ()
    for part in paper.parts:
        cells = []
        for depth in range(3):
            level = part.levels[depth] if depth < len(part.levels) else ""
            same = level and part.levels[: depth + 1] == before[: depth + 1]
            cells.append("" if same or not level else f"{level}." if depth == 0 else level)
        before = part.levels
        rows.add(*cells, "\n".join(f"{p} ✓" for p in part.points), _extra(part), f"{part.marks:g}")
    rows.merged.append((0, 0, 0, 2))
    return [paper.title, rows.grid(), f"[Total: {paper.stated:g}]"]


def rubric(paper: Paper) -> list[Block]:
    """A US rubric: criteria by levels, ranges in the header, weights in a column; marks are even here."""
    rows = _Rows(
        ("Criteria", "Excellent (4)", "Good (3)", "Developing (1-2)", "Missing (0)", "Weight", "Score"),
        (80, 90, 90, 90, 60, 45, 40),
    )
    for part in paper.parts:
        words = (part.answer, "most of this", "some of this", "none of this")
        rows.add(part.question, *words, f"x{part.marks / 4:g}", "")
    rows.add("Total", "", "", "", "", "", f"/ {paper.stated:g}")
    return [paper.title, f"Total points: {paper.stated:g}", rows.grid()]


def numbers(name: str, paper: Paper) -> list[str]:
    """The items' numbers as this layout prints them."""
    if name == "rubric":
        return [str(n) for n in range(1, len(paper.parts) + 1)]
    if name in ("aqa", "levels"):
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
    "levels": levels,
    "leveltables": level_tables,
    "methods": methods,
    "sums": question_sums,
    "objectives": objectives,
    "ticks": ticks,
    "rubric": rubric,
}
