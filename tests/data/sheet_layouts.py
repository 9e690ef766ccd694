"""Layouts of published schemes in which each question has a table of its own, not one for the whole paper.

Modelled on Pearson Edexcel International GCSE and AQA GCSE mathematics schemes; all words are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from papers import Paper, Part
from table_layouts import Block, Grid


def _number(part: Part, *, first: bool) -> str:
    top, *below = part.levels
    return (f"{top} " if first else "") + "".join(f"({level})" for level in below)


def _codes(part: Part) -> tuple[str, ...]:
    return part.codes or tuple("B1" for _ in range(int(part.marks)))


def _steps(part: Part) -> list[tuple[str, str]]:
    """Code and text of each mark."""
    given = _codes(part)
    return [(code, part.points[min(n, len(part.points) - 1)]) for n, code in enumerate(given)]


def totals(paper: Paper) -> list[Block]:
    """Q | Working | Answer | Mark | Notes; codes open the notes, "Total 4 marks" ends each question's table.
    Only the first table has a header; the second has a column more, for a second way of working."""
    blocks: list[Block] = [paper.title, "Method marks are given for a correct method seen anywhere."]
    for n, (top, parts) in enumerate(paper.questions()):
        wide = n == 1
        rows = []
        for at, part in enumerate(parts):
            steps = _steps(part)
            for k, (code, text) in enumerate(steps):
                last = k == len(steps) - 1
                cells = [
                    _number(part, first=at == 0) if k == 0 else "",
                    "" if last else text,
                    *(["or in another way"] if wide and not last else [""] if wide else []),
                    text if last else "",
                    f"{part.marks:g}" if k == 0 else "",
                    f"{code} {part.guidance}".strip() if k == 0 else code,
                ]
                rows.append(tuple(cells))
        rows.append((*[""] * (5 if wide else 4), f"Total {paper.sum_of(top):g} marks"))
        header = [("Q", "Working", "Answer", "Mark", "Notes")] if n == 0 else []
        widths = (40, 110, 100, 90, 40, 130) if wide else (40, 170, 110, 40, 150)
        blocks += [Grid((*header, *rows), widths), " "]
    return blocks


def no_header(paper: Paper) -> list[Block]:
    """As `totals`, without any header."""
    blocks = totals(paper)
    first = next(i for i, block in enumerate(blocks) if isinstance(block, Grid))
    grid = blocks[first]
    assert isinstance(grid, Grid)
    return [*blocks[:first], Grid(grid.rows[1:], grid.widths), *blocks[first + 1 :]]


def examples(paper: Paper) -> list[Block]:
    """Q | Answer | Mark | Comments for each item, then notes whose examples bear codes of their own."""
    blocks: list[Block] = [paper.title, f"Total for paper {paper.stated:g} marks"]
    for part in paper.parts:
        number = _number(part, first=True).replace(" ", "")
        steps = _steps(part)
        rows = [
            (number if k == 0 else "", text, code, part.guidance if k == 0 else "")
            for k, (code, text) in enumerate(steps)
        ]
        rows += [
            ("", "Additional Guidance", "", ""),
            ("", "answer with units", "", "".join(code for code, _ in steps)),
            ("", "no working", "", f"{steps[0][0][0]}0"),
        ]
        blocks += [Grid((("Q", "Answer", "Mark", "Comments"), *rows), (50, 220, 50, 160)), " "]
    return blocks


def explained(paper: Paper) -> list[Block]:
    """Question | Scheme | Marks with "(2)" below a part's codes, then Part | Mark | Notes on each code."""
    blocks: list[Block] = [paper.title]
    for top, parts in paper.questions():
        scheme = []
        for at, part in enumerate(parts):
            given = "\n".join([*_codes(part), f"({part.marks:g})"])
            scheme.append((_number(part, first=at == 0).replace(" ", ""), "\n".join(part.points), given))
        scheme.append((f"Total {paper.sum_of(top):g} marks", "", ""))
        notes = []
        for part in parts:
            for k, (code, text) in enumerate(_steps(part)):
                own = "".join(f"({level})" for level in part.levels[1:]) if k == 0 else ""
                notes.append((own, code, f"For {text}"))
        blocks += [
            Grid((("Question\nnumber", "Scheme", "Marks"), *scheme), (80, 330, 60)),
            " ",
            Grid((("Part", "Mark", "Notes"), *notes), (60, 60, 350)),
            " ",
        ]
    return blocks


def asked(paper: Paper) -> list[Block]:
    """The question stands in the header, above "Answer", of each item's own table."""
    blocks: list[Block] = [paper.title, f"Total for paper {paper.stated:g} marks"]
    for part in paper.parts:
        number = _number(part, first=True).replace(" ", "")
        header = ("Question\nnumber", f"{part.question}\nAnswer", "Mark")
        row = (number, "\n".join(part.points), f"({part.marks:g})")
        blocks += [Grid((header, row), (70, 340, 60)), " "]
    return blocks


LAYOUTS: dict[str, Callable[[Paper], list[Block]]] = {
    "totals": totals,
    "noheader": no_header,
    "examples": examples,
    "explained": explained,
    "asked": asked,
}
WITH_QUESTION_TOTALS = ("totals", "noheader", "explained")
