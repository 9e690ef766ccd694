"""Who wrote a paper, by everything in it that says so: what must go before anybody else sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.documents.extraction import Extraction, Table
from domain.grading.json_submissions import STUDENT
from domain.grading.segments import lines_of
from domain.grading.submissions import identity_fields, mask_identity
from domain.grading.vocabulary import key_of

_LONE_NAME = re.compile(
    r"^\s*(?:(?:written\s|submitted\s)?by|from|signed|yours?,?|regards,?)?[:,\s]*"
    r"(?P<name>[^\W\d_][\w'’.-]+(?:\s+[^\W\d_][\w'’.-]*){1,3})\s*$",
    re.IGNORECASE,
)
_IN_JSON = frozenset([*STUDENT, "email", "email_address", "first_name", "last_name", "surname", "username"])
_TOP_LINES = 3


@dataclass(frozen=True)
class Identity:
    """`student` is the name or number that stands for the student; "" where the paper says none.

    `names` are all that it states; `likely` are lines that look like names and may be titles.
    """

    student: str
    names: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()


def identity_of(extraction: Extraction) -> Identity:
    """What a paper says of its student: header lines, fields of JSON, and a name alone on a line on top."""
    if "json" in extraction.media_type:
        names = tuple(str(value) for key, value in _top_fields(extraction.text) if key in _IN_JSON and value)
        order = [key for key in STUDENT if dict(_top_fields(extraction.text)).get(key)]
        student = str(dict(_top_fields(extraction.text))[order[0]]) if order else ""
        return Identity(_bracketed(student), _with_brackets(names))
    lines = lines_of(extraction.text)
    fields = identity_fields(lines)
    student = fields.get("id") or fields.get("student") or ""
    return Identity(_bracketed(student), _with_brackets(tuple(fields.values())), tuple(_lone_names(lines)))


def masked(extraction: Extraction, pseudonym: str) -> Extraction:
    """The paper with the pseudonym wherever it names its student in a field or a header line."""
    if "json" in extraction.media_type:
        return replace(extraction, text=_masked_json(extraction.text, pseudonym))
    lines = [mask_identity(line, pseudonym) for line in lines_of(extraction.text)]
    tables = tuple(Table(_masked_rows(table.rows, pseudonym), table.page) for table in extraction.tables)
    return replace(extraction, text="\n".join(lines), tables=tables)


def _masked_rows(rows: Sequence[tuple[str, ...]], pseudonym: str) -> tuple[tuple[str, ...], ...]:
    """A table's rows, where "Name | Ada" stands in cells."""
    found = []
    for row in rows:
        shown = mask_identity(" | ".join(row), pseudonym).split(" | ")
        found.append(tuple(shown) if len(shown) == len(row) else row)
    return tuple(found)


def _masked_json(text: str, pseudonym: str) -> str:
    value = json.loads(text)
    if isinstance(value, dict):
        value = {key: pseudonym if key_of(key) in _IN_JSON and old else old for key, old in value.items()}
    return json.dumps(value, ensure_ascii=False, indent=2)


def _top_fields(text: str) -> list[tuple[str, Any]]:
    value = json.loads(text)
    if not isinstance(value, dict):
        return []
    return [(key_of(key), old) for key, old in value.items() if isinstance(old, str | int)]


def _bracketed(name: str) -> str:
    found = re.search(r"[(\[](?P<id>[\w-]*\d[\w-]*)[)\]]\s*$", name)
    return found["id"] if found else name.strip()


def _with_brackets(names: Sequence[str]) -> tuple[str, ...]:
    """Names, and apart from each other what stands before and within their brackets."""
    pieces = [piece.strip() for name in names for piece in re.split(r"[()\[\]]", name)]
    return tuple(dict.fromkeys(piece for piece in pieces if piece))


def _lone_names(lines: Sequence[str]) -> list[str]:
    written = [line.strip() for line in lines if line.strip()]
    found = [_LONE_NAME.match(line) for line in (*written[:_TOP_LINES], *written[-2:]) if len(line) < 60]
    names = (m["name"] for m in found if m and all(word[0].isupper() for word in m["name"].split()))
    return list(dict.fromkeys(names))
