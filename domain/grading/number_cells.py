"""Cells that hold the number of a question or of a part: "1(a)(ii)", "01.2", "(b)", "0 3 . 1"."""

from __future__ import annotations

import re

from domain.grading.numbering import split_parts

_NUMBER = re.compile(
    r"^(?:(?:q(?:u(?:estion)?)?|no|item|problem|task)(?![a-z])\.?)?[\s*]*(?P<top>\d{1,3}(?:\s?\.\s?\d{1,2}){0,3})?"
    r"(?P<parts>(?:[\s.]?\(?(?:[a-z]|[ivx]{1,5})\)?[.)]?){0,3})(?:\s*\(?cont[a-z.’'\s]{0,10}\)?)?[.):]?$",
    re.IGNORECASE,
)
_ONLY_PARTS = re.compile(
    r"^\(?(?:[a-z]|[ivx]{1,5})\)?[.)]?(?:\s?\(?[ivx]{1,5}\)?[.)]?)?(?:\s?\([ivx]{1,5}\))?$", re.IGNORECASE
)
_TYPED_L = re.compile(r"(?<=[a-h]\s)l$|(?<=[a-h]\)\s)l$|(?<=\()l(?=\))")
"""The letter l that stands for a Roman one."""
_SPACED_DIGITS = re.compile(r"(?<=\d)\s+(?=[\d.])|(?<=\.)\s+(?=\d)")

_BEFORE_TEXT = re.compile(
    r"^(?P<number>\d{1,2}(?:\s?\([a-h]\))?(?:\s?\([ivx]{1,4}\))?)[\s.)]\s*(?P<text>\S.{3,})$", re.DOTALL
)
_OTHER_WAY = re.compile(
    r"^(?P<number>.{0,12}?)\s*\W{0,2}(?:alt|alternative)\b"
    r"(?:.{0,20}|[^\S\n]+[IV1-9]{1,3}\b.{0,60}|\W{0,3}(?:mark )?(?:scheme|method|solution)\b.{0,20})$",
    re.IGNORECASE | re.DOTALL,
)


def read_number_cell(cell: str) -> tuple[str, ...]:
    """The levels that a cell of numbers says: "1(a)(ii)", "01.2", "(b)", "0 3 . 1"; () for anything else."""
    text = _SPACED_DIGITS.sub("", " ".join(cell.split())).strip("*. ")
    text = _TYPED_L.sub("i", text)
    found = _NUMBER.match(text)
    if not found or not (found["top"] or _ONLY_PARTS.match(found["parts"].strip())):
        return ()
    top = re.sub(r"(?<![\w.])0+(?=\d)", "", (found["top"] or "").replace(" ", ""))
    return ((top,) if top else ()) + split_parts(found["parts"])


def number_before_text(cell: str) -> tuple[str, str] | None:
    """The number in front of a text that a missing rule leaves in its cell: "3(d) AO2 (3 marks)…"."""
    found = _BEFORE_TEXT.match(cell.strip())
    return (found["number"], found["text"]) if found and read_number_cell(found["number"]) else None


def other_way(cell: str) -> str | None:
    """The number in a cell that names another way to an item ("21 ALT", "Alternative mark scheme for 8(a)"),
    "" where it gives none in front; None for any other cell."""
    found = _OTHER_WAY.match(cell.strip())
    return found["number"] if found and (not found["number"] or read_number_cell(found["number"])) else None
