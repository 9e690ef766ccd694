"""Sifting a frame by its contract: what passes goes on, what fails is kept with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from domain.errors import ContractError


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
    name = contract.__name__
    frame = frame.reset_index(drop=True)
    if frame.empty:
        return Sifted(frame, (), 0)
    try:
        return Sifted(contract.validate(frame, lazy=True), (), 0)
    except SchemaErrors as error:
        failures = error.failure_cases
    by_row = failures[failures["index"].notna()]
    whole = failures[failures["index"].isna()]
    # A coercion that fails for some rows is reported twice: by row, and once for the column.
    whole = whole[~whole["check"].astype(str).str.startswith("dtype(")] if len(by_row) else whole
    if len(whole):
        worst = whole.iloc[0]
        raise ContractError(
            f"{name}: {worst['check']} fails for column {worst['column']!r} "
            f"({worst['failure_case']}): supply that column or correct its type"
        )
    rows = by_row["index"].astype(int)
    rejections = tuple(
        dict.fromkeys(
            Rejection(
                name, str(frame.at[row, key]), str(case.column), str(case.check), _shown(frame, row, case)
            )
            for row, case in zip(rows, by_row.itertuples(), strict=True)
        )
    )
    rejected = sorted(set(rows))
    share = len(rejected) / len(frame)
    if share > max_reject_share:
        shown = "; ".join(f"{r.row}: {r.check} ({r.value})" for r in rejections[:3])
        raise ContractError(
            f"{name}: {len(rejected)} of {len(frame)} rows ({share:.0%}) fail the contract, more than "
            f"max_reject_share {max_reject_share:.0%} allows. First: {shown}. "
            "Correct the material, or raise --max-reject-share"
        )
    return Sifted(contract.validate(frame.drop(index=rejected)), rejections, len(rejected))


def _shown(frame: pd.DataFrame, row: int, case: object) -> str:
    column = getattr(case, "column", None)
    value = frame.at[row, column] if column in frame.columns else getattr(case, "failure_case", "")
    return str(value)[:200]
