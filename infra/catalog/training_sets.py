"""Datasets: which answers, and which split each is in, under the fingerprint of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, func, select

from domain.errors import InputError
from domain.kinds import Kind
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.shapes import answer_frame, answer_query, item_frame, item_query
from infra.catalog.types import named, now
from infra.catalog.writing import Query, add_missing, batches


@dataclass(frozen=True)
class Dataset:
    """`protocol` says what its test answers are held out from; `facts` are numbers and words about it.

    `n_items` and `n_answers` count classes and pictures in the vision kind, where `rows_key` is that of
    the table of pictures (contract `Splits`) and `tensor_id` names their decoded points.
    """

    id: str
    owner: str
    name: str
    kind: Kind
    fingerprint: str
    protocol: str
    seed: int
    n_items: int
    n_answers: int
    facts: Mapping[str, Any]
    tensor_id: str | None
    rows_key: str
    created_at: datetime


@dataclass(frozen=True)
class DatasetFrames:
    """`items` as `frames.items_frame`; `answers` under contract `Answers` plus guide_id, split, protocol."""

    items: pd.DataFrame
    answers: pd.DataFrame


def make_dataset(
    catalog: Catalog,
    *,
    owner: str,
    name: str,
    kind: Kind,
    fingerprint: str,
    protocol: str,
    seed: int,
    facts: Mapping[str, Any],
    splits: pd.DataFrame,
) -> Dataset:
    """Keeps a dataset whole or not at all; `splits` obeys contract `Splits`.

    Where the fingerprint is there already, the dataset that has it is returned as it is.
    """
    dataset_id = named("dataset", fingerprint)
    with catalog.writing() as connection:
        row = {
            "id": dataset_id, "owner": owner, "name": name, "kind": kind, "fingerprint": fingerprint,
            "protocol": protocol, "seed": seed, "n_items": _count_items(connection, splits),
            "n_answers": len(splits), "facts": dict(facts), "tensor_id": None, "rows_key": "",
            "created_at": now(),
        }  # fmt: skip
        add_missing(connection, tables.Dataset, [row])
        columns = zip(splits["answer_id"], splits["split"], splits["protocol"], strict=True)
        members = [
            {
                "dataset_id": dataset_id,
                "answer_id": str(answer),
                "split": str(split),
                "protocol": str(protocol),
            }
            for answer, split, protocol in columns
        ]
        add_missing(connection, tables.DatasetAnswer, members)
        return _to_dataset(connection.execute(_query().where(tables.Dataset.id == dataset_id)).one())


def make_image_dataset(
    catalog: Catalog,
    *,
    owner: str,
    name: str,
    fingerprint: str,
    protocol: str,
    seed: int,
    facts: Mapping[str, Any],
    tensor_id: str,
    rows_key: str,
    n_classes: int,
    n_images: int,
) -> Dataset:
    """Keeps a dataset of pictures; one that has the fingerprint already is returned as it is."""
    dataset_id = named("dataset", fingerprint)
    row = {
        "id": dataset_id, "owner": owner, "name": name, "kind": Kind.VISION, "fingerprint": fingerprint,
        "protocol": protocol, "seed": seed, "n_items": n_classes, "n_answers": n_images,
        "facts": dict(facts), "tensor_id": tensor_id, "rows_key": rows_key, "created_at": now(),
    }  # fmt: skip
    with catalog.writing() as connection:
        add_missing(connection, tables.Dataset, [row])
        return _to_dataset(connection.execute(_query().where(tables.Dataset.id == dataset_id)).one())


def _count_items(connection: Connection, splits: pd.DataFrame) -> int:
    """Number of items the answers belong to. Raises InputError for an answer that is not there."""
    a = tables.Answer
    items: dict[str, str] = {}
    for batch in batches(map(str, splits["answer_id"])):
        items.update(connection.execute(select(a.id, a.item_id).where(a.id.in_(batch))).tuples().all())
    missing = set(map(str, splits["answer_id"])) - set(items)
    if missing:
        raise InputError(f"Answer {min(missing)} is not in the catalog: prepare its submissions first")
    return len(set(items.values()))


def _query() -> Query:
    d = tables.Dataset
    return select(
        d.id, d.owner, d.name, d.kind, d.fingerprint, d.protocol, d.seed, d.n_items, d.n_answers, d.facts,
        d.tensor_id, d.rows_key, d.created_at,
    )  # fmt: skip


def _to_dataset(row: Any) -> Dataset:
    return Dataset(**{**row._mapping, "kind": Kind(row.kind), "facts": _in_order(row.facts)})


def datasets(catalog: Catalog, owner: str) -> list[Dataset]:
    """The owner's datasets, newest first."""
    d = tables.Dataset
    query = _query().where(d.owner == owner).order_by(d.created_at.desc(), d.id)
    with catalog.reading() as connection:
        return [_to_dataset(row) for row in connection.execute(query)]


def dataset(catalog: Catalog, owner: str, which: str = "latest") -> Dataset:
    """The dataset called `which`: "latest", a name (its newest), an id, or the start of a fingerprint.

    Raises InputError that lists what there is.
    """
    known = datasets(catalog, owner)
    if which == "latest" and known:
        return known[0]
    named_so = [one for one in known if which in (one.name, one.id)]
    begins_so = [one for one in known if len(which) >= 6 and one.fingerprint.startswith(which)]
    if named_so or len(begins_so) == 1:
        return (named_so or begins_so)[0]
    listed = ", ".join(dict.fromkeys(one.name for one in known)) or "none: run `trainyard prepare`"
    raise InputError(f"There is no dataset {which!r}. There is: {listed}")


def dataset_frames(catalog: Catalog, dataset_id: str) -> DatasetFrames:
    """A dataset's items and answers as they were when it was made."""
    m, i, a = tables.DatasetAnswer, tables.Item, tables.Answer
    members = (
        answer_query(m.split, m.protocol)
        .join(m, m.answer_id == a.id)
        .where(m.dataset_id == dataset_id)
        .order_by(i.document_id, i.position, i.id, a.id)
    )
    its_items = select(a.item_id).join(m, m.answer_id == a.id).where(m.dataset_id == dataset_id)
    items = item_query().where(i.id.in_(its_items)).order_by(i.document_id, i.position, i.id)
    with catalog.reading() as connection:
        if connection.execute(select(func.count()).where(tables.Dataset.id == dataset_id)).scalar() == 0:
            raise InputError(f"There is no dataset with id {dataset_id}: run `trainyard prepare`")
        return DatasetFrames(
            item_frame(connection.execute(items)),
            answer_frame(connection.execute(members), "split", "protocol"),
        )


def _in_order(facts: Any) -> Any:
    """With the splits by name: JSONB gives an object's members back by the length of their names."""
    if isinstance(facts, Mapping) and isinstance(splits := facts.get("splits"), Mapping):
        return {**facts, "splits": dict(sorted(splits.items()))}
    return facts
