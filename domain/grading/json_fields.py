"""Fields of JSON documents read by their path, so that an error can say which one is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import InputError
from domain.grading.marks_notation import read_number
from domain.grading.vocabulary import key_of

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def load_json(text: str, name: str) -> object:
    """The parsed text. Raises InputError for text that is no JSON, or is nested too deep to read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is not valid JSON ({error or 'nested too deep'}): correct it there"
        ) from error


@dataclass(frozen=True)
class Node:
    """A value and its path ("items[2].max_score") in the file `name`."""

    value: object
    path: str
    name: str

    def wrong(self, expected: str) -> InputError:
        """The error that this value is not `expected`."""
        where = self.path or "the document"
        got = _KINDS.get(type(self.value), "a number")
        shown = f" {str(self.value)[:60]!r}" if isinstance(self.value, str | int | float) else ""
        return InputError(f"{self.name}: {where} is {got}{shown}, expected {expected}: correct that field")

    def fields(self) -> dict[str, Node]:
        """The fields of an object, by normalised key. Raises InputError for anything else."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        prefix = f"{self.path}." if self.path else ""
        return {
            key_of(str(key)): Node(value, f"{prefix}{key}", self.name) for key, value in self.value.items()
        }

    def entries(self) -> list[Node]:
        """The entries of a list. Raises InputError for anything else."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [Node(value, f"{self.path}[{i}]", self.name) for i, value in enumerate(self.value)]

    def text(self) -> str:
        """A text, or a whole number as text; "" for null. Raises InputError for anything else."""
        if self.value is None:
            return ""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.wrong("a text")
        return str(self.value).strip()

    def marks(self) -> float | None:
        """A number of marks, also as text ("2", "1½"); None for null. Raises InputError otherwise."""
        if self.value is None:
            return None
        if isinstance(self.value, str):
            found = read_number(
                re.sub(r"\s*(?:marks?|points?|pts?)$", "", self.value.strip(), flags=re.IGNORECASE)
            )
        elif isinstance(self.value, bool) or not isinstance(self.value, int | float):
            found = None
        else:
            found = float(self.value) if abs(self.value) < 1e9 else None
        if found is None or not math.isfinite(found) or found < 0:
            raise self.wrong("a number of marks (0 or more)")
        return found

    def texts(self) -> tuple[str, ...]:
        """A list of texts, or one text; () for null. Raises InputError otherwise."""
        if self.value is None:
            return ()
        nodes = self.entries() if isinstance(self.value, list) else [self]
        return tuple(text for node in nodes if (text := node.text()))


def pick(fields: Mapping[str, Node], *names: str) -> Node | None:
    """The first of the fields that is there, by our name and then by its synonyms."""
    return next((fields[name] for name in names if name in fields), None)
