"""Decoded archives: which parts are done, and the whole once it is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from domain.errors import InputError
from infra.catalog.connection import Catalog
from infra.catalog.image_tables import Tensor, TensorPart
from infra.catalog.types import named, now
from infra.catalog.writing import add_missing


@dataclass(frozen=True)
class TensorRow:
    """`images_key` and `rows_key` are "" until it is whole."""

    id: str
    listing_key: str
    decoder_version: str
    size: int
    channels: int
    n_members: int
    images_key: str
    rows_key: str
    n_images: int

    @property
    def is_whole(self) -> bool:
        return self.images_key != ""


@dataclass(frozen=True)
class PartRow:
    """Members `start` to `stop` of the listing: their points, and what became of each."""

    start: int
    stop: int
    points_key: str
    outcomes_key: str


_COLUMNS = tuple(getattr(Tensor, name) for name in TensorRow.__dataclass_fields__)


def begin_tensor(
    catalog: Catalog, listing_key: str, decoder_version: str, size: int, channels: int, n_members: int
) -> TensorRow:
    """The tensor of this listing in this shape, begun if there is none."""
    row = {
        "id": named("tensor", listing_key, decoder_version, str(size), str(channels)),
        "listing_key": listing_key,
        "decoder_version": decoder_version,
        "size": size,
        "channels": channels,
        "n_members": n_members,
        "images_key": "",
        "rows_key": "",
        "n_images": 0,
        "created_at": now(),
    }
    with catalog.writing() as connection:
        add_missing(connection, Tensor, [row])
    return find_tensor(catalog, str(row["id"]))


def find_tensor(catalog: Catalog, tensor_id: str) -> TensorRow:
    """Raises InputError where there is none."""
    with catalog.reading() as connection:
        row = connection.execute(select(*_COLUMNS).where(Tensor.id == tensor_id)).one_or_none()
    if row is None:
        raise InputError(f"There are no decoded pictures {tensor_id}: run `trainyard prepare --images` again")
    return TensorRow(**row._mapping)


def save_part(catalog: Catalog, tensor_id: str, part: PartRow) -> None:
    with catalog.writing() as connection:
        add_missing(connection, TensorPart, [{"tensor_id": tensor_id, "created_at": now(), **vars(part)}])


def find_parts(catalog: Catalog, tensor_id: str) -> list[PartRow]:
    """In their order."""
    p = TensorPart
    query = select(p.start, p.stop, p.points_key, p.outcomes_key).where(p.tensor_id == tensor_id)
    with catalog.reading() as connection:
        return [PartRow(**row._mapping) for row in connection.execute(query.order_by(p.start))]


def finish_tensor(
    catalog: Catalog, tensor_id: str, images_key: str, rows_key: str, n_images: int
) -> TensorRow:
    """Notes that the tensor is whole and forgets its parts."""
    whole = {"images_key": images_key, "rows_key": rows_key, "n_images": n_images}
    with catalog.writing() as connection:
        connection.execute(update(Tensor).where(Tensor.id == tensor_id).values(**whole))
        connection.execute(delete(TensorPart).where(TensorPart.tensor_id == tensor_id))
    return find_tensor(catalog, tensor_id)
