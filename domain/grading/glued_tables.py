"""Tables that came out as plain text: "1(a) chlorophyll 1" below a line "Question Answer Marks".

Text alone cannot tell the answer 90 from its 2 marks in "(c) 90 2"; the header line can, since it says that
the marks come last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from domain.documents.extraction import Extraction
from domain.grading.drafts import Candidate
from domain.grading.number_cells import read_number_cell
from domain.grading.segments import lines_of
from domain.grading.table_guides import TableReading
from domain.grading.table_rows import Row
from domain.grading.totals import read_total

_HEADER = re.compile(
    r"^\W{0,4}(?:q|qu|question|questions|no|number|item|part)\.?(?:\s(?:no|number|part)\.?)?\s+"
    r"(?:(?:expected|model|acceptable|correct|marking|mark)\s)?(?:answers?|responses?|solutions?|working|scheme|guidance)"
    r"(?:[\s/]\w{1,20}){0,4}?\s+(?:max\.?\s)?(?:marks?|points?|pts|score)\W{0,3}$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^\s{0,12}(?P<number>(?:q|question\s)?\d{1,2}(?:\.\d{1,2}){0,2}\.?(?:(?:\s?\([a-z]\)|[a-z]\b)(?:\s?\([ivx]{1,4}\))?)?"
    r"|\([a-z]\)(?:\s?\([ivx]{1,4}\))?|\([ivx]{1,4}\))[.:)]?\s+(?P<rest>\S.*)$",
    re.IGNORECASE,
)
_LAST = re.compile(r"^(?P<text>.*?)[\s.]+[\[(]?(?P<marks>\d{1,2}|½|\d½)[\])]?\s*$")
_HEADER_CELLS = ("Question", "Answer", "Marks")


def read_glued(extraction: Extraction) -> Candidate:
    """Items from the lines below such a header; none where there is no such line."""
    lines = lines_of(extraction.text)
    start = next((i for i, line in enumerate(lines) if _HEADER.match(line)), None)
    if start is None:
        return Candidate("", ())
    reading = TableReading()
    reading.read([Row(_HEADER_CELLS, "header"), *_rows(lines, start)])
    title = next((line.strip(" #*_") for line in lines[:start] if line.strip()), "")
    stated = [total for line in lines if (total := read_total(line))]
    return reading.candidate(title, stated, None)


def _rows(lines: Sequence[str], start: int) -> Iterator[Row]:
    top, has_marks = 0, False
    for i, line in enumerate(lines[start + 1 :], start + 2):
        if not line.strip() or _HEADER.match(line) or read_total(line):
            continue
        found = _NUMBERED.match(line)
        levels = read_number_cell(found["number"]) if found else ()
        if found and levels and _comes_next(levels, top):
            top = int(float(levels[0])) if levels[0][0].isdigit() else top
            text, marks = _split(found["rest"])
            has_marks = bool(marks)
            yield Row((found["number"].strip(), text, marks), f"line {i}")
            continue
        text, marks = (line.strip(), "") if has_marks else _split(line.strip())
        has_marks = has_marks or bool(marks)
        yield Row(("", text, marks), f"line {i}")


def _comes_next(levels: tuple[str, ...], top: int) -> bool:
    """Whether a number goes on from the question before: the same, the next, or a part of it."""
    if not levels[0][0].isdigit():
        return top > 0
    number = int(levels[0].split(".")[0])
    return number == top + 1 or (number == top and (len(levels) > 1 or "." in levels[0]))


def _split(text: str) -> tuple[str, str]:
    found = _LAST.match(text)
    return (found["text"], found["marks"]) if found else (text, "")
