"""What failed a contract, kept with its reason so that a person can correct it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from sqlalchemy import func, select

from domain.contracts import Rejection
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.types import named, now
from infra.catalog.writing import Row, add_missing, rows_where

_KEY = ("contract", "row", "column", "check")
_LONGEST = 500
"""Characters kept of a cell; a row's whole text may be an essay."""


def quarantine(
    catalog: Catalog, owner: str, source: str, rejections: Iterable[Rejection], document_id: str | None = None
) -> int:
    """Keeps rejections from `source` (a file's or a dataset's name); how many of them are new."""
    rows = [_row(owner, source, rejection, document_id) for rejection in rejections]
    q = tables.Quarantined
    count = select(func.count()).where(q.owner == owner, q.source == source)
    with catalog.writing() as connection:
        before = connection.execute(count).scalar_one()
        add_missing(connection, q, rows)
        return connection.execute(count).scalar_one() - before


def _row(owner: str, source: str, rejection: Rejection, document_id: str | None) -> Row:
    told = {name: str(getattr(rejection, name))[:_LONGEST] for name in (*_KEY, "value")}
    return {
        "id": named(
            "quarantine", owner, source, told["contract"], told["row"], told["column"], told["check"]
        ),
        "owner": owner,
        "source": source,
        "document_id": document_id,
        "created_at": now(),
        **told,
    }


def quarantined(catalog: Catalog, owner: str, sources: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a failed check: contract, source, row, column, check, value, document_id, created_at.

    Oldest first; of `sources` only, unless that is None.
    """
    q = tables.Quarantined
    columns = (q.contract, q.source, q.row, q.column, q.check, q.value, q.document_id, q.created_at)
    query = select(*columns).where(q.owner == owner).order_by(q.created_at, q.source, q.row)
    with catalog.reading() as connection:
        found = [tuple(row) for row in rows_where(connection, query, q.source, sources)]
    return pd.DataFrame(found, columns=[column.key for column in columns])
