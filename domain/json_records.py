"""Records that the product wrote as JSON, read back: checked, since files can be changed by hand."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.errors import InputError

Record = TypeVar("Record")


def read_json(adapter: TypeAdapter[Record], text: str, what: str, advice: str) -> Record:
    """The record in `text`. Raises InputError, "not WHAT (field: reason): ADVICE", for anything else."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InputError(f"not {what} ({field}: {first['msg']}): {advice}") from error
