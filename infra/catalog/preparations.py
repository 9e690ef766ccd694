"""How the datasets that were asked for stand; renaming and deleting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from domain.errors import InputError
from domain.kinds import Kind
from infra.catalog.connection import Catalog
from infra.catalog.image_tables import Preparation, Tensor, TensorPart
from infra.catalog.tables import Dataset, DatasetAnswer, Evaluation, Job
from infra.catalog.types import named, now, scrub
from infra.catalog.writing import add_or_change


@dataclass(frozen=True)
class PreparationRow:
    """`state` is draft, processing, ready or error; `error` says why, `dataset_id` is set when ready."""

    id: str
    name: str
    kind: Kind
    sources: Mapping[str, str]
    state: str
    error: str
    dataset_id: str | None
    created_at: datetime
    updated_at: datetime


_COLUMNS = tuple(getattr(Preparation, name) for name in PreparationRow.__dataclass_fields__)


def begin_preparation(
    catalog: Catalog, owner: str, name: str, kind: Kind, sources: Mapping[str, str], *, draft: bool = False
) -> str:
    """Notes that a dataset is being prepared (or, as a draft, is to be); the preparation's id.

    One that was begun with the same name and sources is taken up again.
    """
    preparation_id = named(
        "preparation", owner, name, kind, *(f"{k}={v}" for k, v in sorted(sources.items()))
    )
    row = {
        "id": preparation_id, "owner": owner, "name": name, "kind": kind, "sources": dict(sources),
        "state": "draft" if draft else "processing", "error": "", "dataset_id": None,
        "created_at": now(), "updated_at": now(),
    }  # fmt: skip
    with catalog.writing() as connection:
        change = ("state", "error", "dataset_id", "updated_at")
        add_or_change(connection, Preparation, [row], change=change)
    return preparation_id


def end_preparation(
    catalog: Catalog, preparation_id: str, *, dataset_id: str | None = None, error: str = ""
) -> None:
    """Notes the dataset that came of it, or why none did."""
    state = "ready" if dataset_id else "error"
    values = {"state": state, "error": "" if dataset_id else error or "unknown", "dataset_id": dataset_id}
    with catalog.writing() as connection:
        connection.execute(
            update(Preparation).where(Preparation.id == preparation_id).values(**values, updated_at=now())
        )


def preparations(catalog: Catalog, owner: str, search: str = "") -> list[PreparationRow]:
    """The owner's, newest first; with `search` those whose name has it, in any case."""
    p = Preparation
    query = select(*_COLUMNS).where(p.owner == owner).order_by(p.updated_at.desc(), p.id)
    with catalog.reading() as connection:
        rows = [
            PreparationRow(**{**row._mapping, "kind": Kind(row.kind)}) for row in connection.execute(query)
        ]
    # Here and not in SQL: lower() of SQLite knows ASCII only.
    return [row for row in rows if search.casefold() in row.name.casefold()]


def rename_dataset(catalog: Catalog, dataset_id: str, name: str) -> None:
    """Raises InputError for a blank name."""
    name = scrub(name).strip()
    if not name:
        raise InputError("A dataset needs a name: give one that is not blank")
    with catalog.writing() as connection:
        connection.execute(update(Dataset).where(Dataset.id == dataset_id).values(name=name))
        connection.execute(
            update(Preparation)
            .where(Preparation.dataset_id == dataset_id)
            .values(name=name, updated_at=now())
        )


def delete_dataset(catalog: Catalog, dataset_id: str) -> list[str]:
    """Forgets a dataset, and its decoded pictures where no other uses them; keys in the store that no row
    names any more.

    Raises InputError where a job or an evaluation was made of it: their figures would hang in the air.
    """
    with catalog.writing() as connection:
        uses = sum(
            connection.execute(select(func.count()).where(table.dataset_id == dataset_id)).scalar_one()
            for table in (Job, Evaluation)
        )
        if uses:
            raise InputError(
                f"{uses} trainings or evaluations refer to this dataset: it is kept for their sake"
            )
        found = connection.execute(
            select(Dataset.tensor_id, Dataset.rows_key).where(Dataset.id == dataset_id)
        ).one_or_none()
        if found is None:
            raise InputError(
                f"There is no dataset with id {dataset_id}: `trainyard status` tells what there is"
            )
        for table, column in (
            (Preparation, Preparation.dataset_id),
            (DatasetAnswer, DatasetAnswer.dataset_id),
            (Dataset, Dataset.id),
        ):
            connection.execute(delete(table).where(column == dataset_id))
        keys = [found.rows_key] if found.rows_key and not _named(connection, found.rows_key) else []
        return keys + (_without_tensor(connection, found.tensor_id) if found.tensor_id else [])


def _named(connection: Connection, rows_key: str) -> bool:
    return bool(connection.execute(select(func.count()).where(Dataset.rows_key == rows_key)).scalar_one())


def _without_tensor(connection: Connection, tensor_id: str) -> list[str]:
    if connection.execute(select(func.count()).where(Dataset.tensor_id == tensor_id)).scalar_one():
        return []
    t, p = Tensor, TensorPart
    mine = connection.execute(select(t.images_key, t.rows_key, t.listing_key).where(t.id == tensor_id)).one()
    parts = connection.execute(select(p.points_key, p.outcomes_key).where(p.tensor_id == tensor_id)).all()
    connection.execute(delete(p).where(p.tensor_id == tensor_id))
    connection.execute(delete(t).where(t.id == tensor_id))
    # Content that another tensor has too stays for it.
    others = connection.execute(select(t.images_key, t.rows_key, t.listing_key)).all()
    kept = {key for row in others for key in row}
    return [key for row in (mine, *parts) for key in row if key and key not in kept]
