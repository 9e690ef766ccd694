"""JSON, JSON lines and CSV: text that a program wrote, kept so that a parser can read it back.

The text of JSON is its pretty form, of JSON lines one compact object a line, of CSV the file itself;
`json.loads` and `csv.reader` take them back. Two files that differ only in layout have one text.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

from domain.documents.extraction import Draft, Limits, Table
from domain.documents.plain_text import decode
from domain.errors import InputError

_DELIMITERS = ",;\t|"
_MAX_SHOWN = 3


def read_json(content: bytes, name: str, limits: Limits) -> Draft:
    """Pretty JSON. A file of JSON lines under the name .json is read as such, with a note."""
    decoded = decode(content)
    try:
        value = json.loads(decoded.text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and is_json_lines(content):
            draft = read_json_lines(content, name, limits)
            return Draft(draft.text, draft.method, notes=(*draft.notes, "one JSON value a line"))
        raise InputError(
            f"{name}: not JSON at line {error.lineno}, column {error.colno} ({error.msg}): correct that place"
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name}: this JSON cannot be read ({error}): simplify it") from error
    if value in (None, "", [], {}):
        raise InputError(f"{name}: this JSON holds nothing: check that the right file was given")
    return Draft(json.dumps(value, ensure_ascii=False, indent=2), "json", notes=decoded.notes)


def read_yaml(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """YAML as the JSON that says the same. Aliases are refused: a few lines of them stand for gigabytes."""
    import yaml

    class Plain(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise InputError(f"{name}: this YAML has aliases (*): write out what they stand for")
            return super().compose_node(parent, index)

    decoded = decode(content)
    try:
        value = yaml.load(decoded.text, Loader=Plain)  # noqa: S506 - a safe loader
        text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())[:300]
        raise InputError(f"{name}: not YAML ({told}): correct that place") from error
    except (RecursionError, ValueError, TypeError) as error:
        raise InputError(f"{name}: this YAML cannot be read ({error}): simplify it") from error
    if not isinstance(value, dict | list) or not value:
        raise InputError(f"{name}: this YAML holds no fields: check that the right file was given")
    return Draft(text, "yaml", notes=decoded.notes)


def read_json_lines(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """One compact JSON value a line; blank lines are left out."""
    decoded = decode(content)
    lines = []
    for number, line in enumerate(decoded.text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            lines.append(json.dumps(json.loads(line), ensure_ascii=False))
        except (RecursionError, ValueError) as error:
            raise InputError(
                f"{name}: line {number} is not JSON ({error}): each line must be one JSON value"
            ) from error
    return Draft("\n".join(lines), "jsonl", notes=decoded.notes)


def is_json(content: bytes) -> bool:
    """Whether it is one JSON object or list."""
    try:
        return isinstance(json.loads(decode(content).text), dict | list)
    except (RecursionError, ValueError):
        return False


def is_json_lines(content: bytes) -> bool:
    """Whether each of the first lines that are not blank is a JSON object."""
    lines = [line for line in decode(content[:100_000]).text.split("\n") if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict) for line in lines[:2])
    except (RecursionError, ValueError):
        return False


def read_csv(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """The file's own text, and its rows (blank ones left out) as one table."""
    decoded = decode(content)
    text = decoded.text.replace("\x00", "")
    delimiter = delimiter_of(text)
    try:
        rows = tuple(
            tuple(cell.strip() for cell in row)
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            if any(cell.strip() for cell in row)
        )
    except csv.Error as error:
        raise InputError(f"{name}: not CSV ({error}): check its quotes and save it again as CSV") from error
    notes = [*decoded.notes]
    if delimiter != ",":
        notes.append(f"columns are separated by {'tabs' if delimiter == chr(9) else repr(delimiter)}")
    notes.extend(_ragged(rows))
    return Draft(text, "csv", (Table(rows),) if rows else (), notes=tuple(notes))


def delimiter_of(text: str) -> str:
    """The delimiter that splits the first 50 rows most evenly into more than one column; else comma."""
    head = text[:64_000]
    scores = {}
    for delimiter in _DELIMITERS:
        if delimiter not in head:
            continue
        try:
            rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
            widths = [len(row) for row, _ in zip(rows, range(50), strict=False) if row]
        except csv.Error:
            continue
        width, n_rows = Counter(widths).most_common(1)[0] if widths else (1, 0)
        # The header is the row that people write with care: it must be split.
        if width > 1 and widths[0] > 1:
            scores[delimiter] = (n_rows / len(widths), widths[0] == width, width)
    return max(scores, key=lambda one: scores[one]) if scores else ","


def _ragged(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    if not rows:
        return []
    n_columns = len(rows[0])
    odd = [number for number, row in enumerate(rows, start=1) if len(row) != n_columns]
    if not odd:
        return []
    shown = ", ".join(map(str, odd[:_MAX_SHOWN])) + (", ..." if len(odd) > _MAX_SHOWN else "")
    return [f"{len(odd)} rows do not have the {n_columns} cells of the first one: rows {shown}"]
