"""Frames as plain JSON and back: columns with their types, NaN as null, nothing that can run."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import PlainSerializer, PlainValidator

_TYPES = ("float64", "int64", "bool", "str", "object")


def describe_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """{column: {"type", "values"}}; columns of object hold what JSON can say, the index is left out."""
    return {
        str(name): {"type": _type_of(frame[name]), "values": _plain(frame[name])} for name in frame.columns
    }


def _type_of(column: pd.Series[Any]) -> str:
    name = str(column.dtype)
    if name in _TYPES:
        return name
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    if pd.api.types.is_integer_dtype(column):
        return "int64"
    return "float64" if pd.api.types.is_float_dtype(column) else "object"


def _plain(column: pd.Series[Any]) -> list[Any]:
    values = column.tolist()
    return [None if isinstance(v, float) and not np.isfinite(v) else v for v in values]


def restore_frame(described: Any) -> pd.DataFrame:
    """The frame of which `describe_frame` told. Raises ValueError for anything else."""
    if isinstance(described, pd.DataFrame):
        return described
    try:
        columns = {name: _restored(column) for name, column in described.items()}
        return pd.DataFrame(columns)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a frame: {error}") from error


def _restored(column: dict[str, Any]) -> pd.Series[Any]:
    if column["type"] not in _TYPES:
        raise ValueError(f"a column of type {column['type']!r} is not one of {', '.join(_TYPES)}")
    return pd.Series(column["values"], dtype=column["type"])


Frame = Annotated[pd.DataFrame, PlainValidator(restore_frame), PlainSerializer(describe_frame)]
"""A frame as a field of a record that pydantic turns into JSON."""
