"""Claims: of all processes that want to do one piece of work, one does it.

A claim names the process that holds it, so that on its machine a killed holder is known at once; elsewhere
one that was not renewed for `LEASE_SECONDS` counts as gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select, update

from infra.catalog import coordination_tables as tables
from infra.catalog.connection import Catalog
from infra.catalog.types import now
from infra.catalog.writing import add_missing

LEASE_SECONDS = 180.0


@dataclass(frozen=True)
class Claim:
    """`holder` tells claims of one process apart; `machine` is where `pid` means something."""

    name: str
    holder: str
    machine: str
    pid: int
    process_created: float
    renewed_at: datetime


_COLUMNS = tuple(getattr(tables.Claim, name) for name in Claim.__dataclass_fields__)


def claim(catalog: Catalog, wanted: Claim, gone: Callable[[Claim], bool]) -> Claim:
    """Who holds the claim now: `wanted`, unless another has it whom `gone` does not take for gone."""
    c = tables.Claim
    wanted = replace(wanted, renewed_at=now())
    with catalog.writing() as connection:
        add_missing(connection, c, [asdict(wanted)])
        query = select(*_COLUMNS).where(c.name == wanted.name).with_for_update()
        there = connection.execute(query).one_or_none()
        if there is None:
            # Released between our two statements, which PostgreSQL allows: the next try gets it.
            return replace(wanted, holder="")
        found = Claim(**there._mapping)
        if found.holder != wanted.holder and not gone(found):
            return found
        connection.execute(update(c).where(c.name == wanted.name).values(**asdict(wanted)))
        return wanted


def renew(catalog: Catalog, name: str, holder: str) -> bool:
    """Says that the holder is still at it; False where it holds the claim no more."""
    c = tables.Claim
    with catalog.writing() as connection:
        mine = update(c).where(c.name == name, c.holder == holder)
        return bool(connection.execute(mine.values(renewed_at=now())).rowcount)


def release(catalog: Catalog, name: str, holder: str) -> None:
    c = tables.Claim
    with catalog.writing() as connection:
        connection.execute(delete(c).where(c.name == name, c.holder == holder))


def holder_of(catalog: Catalog, name: str) -> Claim | None:
    """Who claimed it last and did not release it, dead or alive."""
    with catalog.reading() as connection:
        found = connection.execute(select(*_COLUMNS).where(tables.Claim.name == name)).one_or_none()
        return None if found is None else Claim(**found._mapping)
