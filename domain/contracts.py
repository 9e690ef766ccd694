"""What contracts share, and sifting a frame by one: what passes goes on, the rest is kept with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pandera.typing import Series

from domain.errors import ContractError


class Strict(pa.DataFrameModel):
    """A contract that drops the columns it does not name, and turns values into its types."""

    class Config:
        strict = "filter"
        coerce = True


class Metrics(Strict):
    """One row a figure. `low` and `high` bound its 95 % interval, NaN where none was computed."""

    protocol: Series[str]
    metric: Series[str]
    value: Series[float] = pa.Field(nullable=True)
    low: Series[float] = pa.Field(nullable=True)
    high: Series[float] = pa.Field(nullable=True)
    n: Series[int] = pa.Field(ge=0)


@dataclass(frozen=True)
class Rejection:
    """One failed check: `row` is the row's identity in its frame, as text."""

    contract: str
    row: str
    column: str
    check: str
    value: str


@dataclass(frozen=True)
class Sifted:
    """`passed` obeys the contract; `rejections` has at least one entry for each row left out."""

    passed: pd.DataFrame
    rejections: tuple[Rejection, ...]
    n_rejected: int


def sift(
    contract: type[pa.DataFrameModel], frame: pd.DataFrame, *, key: str, max_reject_share: float
) -> Sifted:
    """Checks every row and column of `frame` (rows named by column `key`) against `contract`.

    Raises ContractError when a whole column is missing or unusable, or when more than
    `max_reject_share` of the rows fail.
    """
    if frame.empty:
        columns = [name for name in contract.to_schema().columns if name in frame.columns]
        return Sifted(frame[columns], (), 0)
    name, n_rows = contract.__name__, len(frame)
    frame, rejections = _with_numbers(contract, frame.reset_index(drop=True), key)
    try:
        passed = contract.validate(frame, lazy=True) if len(frame) else frame
    except SchemaErrors as error:
        by_row = _failures_by_row(name, error)
        rejections += _rejections(name, frame, by_row, key)
        # Checked again, since a row that passes alone may fail beside others (and the reverse).
        rest = frame.drop(index=sorted(set(by_row["index"])))
        passed = contract.validate(rest) if len(rest) else rest
    n_rejected = n_rows - len(passed)
    check_share(name, rejections, n_rejected, n_rows, max_reject_share)
    return Sifted(passed.reset_index(drop=True), rejections, n_rejected)


def check_share(
    contract: str,
    rejections: Sequence[Rejection],
    n_rejected: int,
    n_rows: int,
    max_reject_share: float,
) -> None:
    """Raises ContractError where more than `max_reject_share` of the rows were rejected."""
    if n_rejected <= max_reject_share * n_rows:
        return
    shown = "; ".join(f"{r.row}: {r.column} {r.check} ({r.value})" for r in rejections[:3])
    raise ContractError(
        f"{contract}: {n_rejected} of {n_rows} rows ({n_rejected / n_rows:.1%}) fail the contract, more "
        f"than max_reject_share {max_reject_share:.1%} allows. First: {shown}. "
        "Correct the material, or raise --max-reject-share"
    )


def _with_numbers(
    contract: type[pa.DataFrameModel], frame: pd.DataFrame, key: str
) -> tuple[pd.DataFrame, tuple[Rejection, ...]]:
    """Numeric columns made numbers; rows where that is impossible are rejected by name.

    Done before the checks: pandera runs them on what it failed to coerce, where `<=` raises.
    """
    rejections: list[Rejection] = []
    bad: set[int] = set()
    frame = frame.copy()
    for column, spec in contract.to_schema().columns.items():
        if column not in frame.columns or str(spec.dtype) not in ("float64", "int64"):
            continue
        given = frame[column]
        frame[column] = pd.to_numeric(given, errors="coerce")
        for row in frame.index[frame[column].isna() & given.notna()]:
            bad.add(row)
            rejections.append(
                Rejection(contract.__name__, str(frame.at[row, key]), column, "is a number", str(given[row]))
            )
    return frame.drop(index=sorted(bad)).reset_index(drop=True), tuple(rejections)


def _failures_by_row(name: str, error: SchemaErrors) -> pd.DataFrame:
    """The failures that belong to a row; raises ContractError for one of the whole frame."""
    failures = error.failure_cases
    whole = failures[failures["index"].isna()]
    if len(whole):
        worst = whole.iloc[0]
        raise ContractError(
            f"{name}: {worst['check']} fails for column {worst['column']!r} "
            f"({worst['failure_case']}): supply that column or correct its type"
        ) from error
    failures["index"] = failures["index"].astype(int)
    return failures


def _rejections(name: str, frame: pd.DataFrame, failures: pd.DataFrame, key: str) -> tuple[Rejection, ...]:
    found: dict[Rejection, None] = {}
    for case in failures.to_dict("records"):
        row, column, check = case["index"], str(case["column"]), str(case["check"])
        if case["schema_context"] == "DataFrameSchema":
            # A check of several columns is reported once for each; its name says which it is about.
            column, value = "*", ", ".join(f"{c}={frame.at[row, c]}" for c in _named(check, frame))
        else:
            value = str(frame.at[row, column])
        found[Rejection(name, str(frame.at[row, key]), column, check, value[:200])] = None
    return tuple(found)


def _named(check: str, frame: pd.DataFrame) -> list[str]:
    """The columns that a check over several columns has in its name (`gold_within_max_score`)."""
    named = [c for c in frame.columns if c in check]
    return [c for c in named if not any(c != other and c in other for other in named)]
