"""From decoded parts to a dataset of pictures: one tensor, copies found, checked, split without leaks."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.contracts import Rejection, check_share, sift
from domain.errors import InputError
from domain.identity import fingerprint
from domain.vision.contracts import Images, Splits
from domain.vision.duplicates import image_ids, near_groups
from domain.vision.images import Shape
from domain.vision.listings import placed_in, refused_in
from domain.vision.splits import PROTOCOL, SplitPlan, each_once, split_images
from infra import catalog as records
from infra.catalog import Dataset, PartRow, TensorRow
from tasks.pictures import aside
from tasks.policy import code_of
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

SPLITTING = ("domain.vision.splits", "domain.vision.duplicates", "domain.vision.contracts")
_BLOCK = 4096


def make_picture_dataset(
    place: Workplace, name: str, tensor_ids: list[str], seed: int, max_reject_share: float
) -> Dataset:
    """The dataset of an archive's pictures, made once for the same pictures, labels, splits and seed.

    Raises ContractError when more than `max_reject_share` of the pictures cannot be used, InputError when
    too few are left.
    """
    if len(tensor_ids) != 1:
        raise InputError("A dataset of pictures is made of one archive: give it by --images")
    tensor = whole_tensor(place, records.find_tensor(place.catalog, tensor_ids[0]))
    rows = pd.read_parquet(io.BytesIO(place.store.get_bytes(tensor.rows_key)))
    images = _usable(place, name, rows, max_reject_share)
    identity = fingerprint(
        [
            sorted(map(list, images[["image_id", "class_name", "given_split"]].to_numpy().tolist())),
            [tensor.size, tensor.channels, seed, code_of(*SPLITTING)],
        ]
    )
    existing = [d for d in records.datasets(place.catalog, place.settings.owner) if d.fingerprint == identity]
    if existing:
        called = "" if existing[0].name == name else f" under the name {existing[0].name}"
        log.info("dataset %s: known already%s (%d pictures)", name, called, existing[0].n_answers)
        return existing[0]
    once = each_once(images)
    groups = once.kept["row"].map(rows[rows["reason"] == ""].set_index("row")["group"]).to_numpy()
    outcome = split_images(once.kept, groups, SplitPlan(seed=seed))
    classes = sorted(outcome.splits["class_name"].unique())
    splits = outcome.splits.assign(label=outcome.splits["class_name"].map(classes.index))
    splits = Splits.validate(splits, lazy=True).sort_values("row").reset_index(drop=True)
    dataset = records.make_image_dataset(
        place.catalog,
        owner=place.settings.owner,
        name=name,
        fingerprint=identity,
        protocol=PROTOCOL,
        seed=seed,
        facts=_facts(tensor, rows, splits, {**once.set_aside, **outcome.set_aside}, classes),
        tensor_id=tensor.id,
        rows_key=place.store.put_bytes(_parquet(splits)),
        n_classes=len(classes),
        n_images=len(splits),
    )
    log.info("dataset %s: %d pictures of %d classes", name, dataset.n_answers, dataset.n_items)
    return dataset


def _usable(place: Workplace, name: str, rows: pd.DataFrame, max_reject_share: float) -> pd.DataFrame:
    """The pictures that obey their contract; the others are in quarantine with the reason."""
    refused = [
        Rejection("Images", str(path), "file", "is_a_sound_picture", str(reason))
        for path, reason in rows.loc[rows["reason"] != "", ["path", "reason"]].itertuples(index=False)
    ]
    sifted = sift(Images, rows[rows["reason"] == ""], key="path", max_reject_share=1.0)
    rejections = [*refused, *sifted.rejections]
    records.quarantine(place.catalog, place.settings.owner, source_of(name), rejections)
    check_share("Images", rejections, len(refused) + sifted.n_rejected, len(rows), max_reject_share)
    return sifted.passed


def source_of(name: str) -> str:
    """What the quarantined pictures of a dataset are kept under."""
    return f"pictures of {name}"


def whole_tensor(place: Workplace, tensor: TensorRow) -> TensorRow:
    """The tensor with its parts joined; they are removed. Raises InputError where a part is missing."""
    if tensor.is_whole:
        return tensor
    parts = records.find_parts(place.catalog, tensor.id)
    at = 0
    for part in parts:
        if part.start != at:
            break
        at = part.stop
    if at != tensor.n_members:
        raise InputError(
            f"Only {at} of {tensor.n_members} pictures are decoded: run `trainyard prepare` again"
        )
    rows = _rows(place, tensor, parts)
    n_images = int((rows["reason"] == "").sum())
    with aside(place) as path:
        _join(place, parts, path, (n_images, tensor.size, tensor.size, tensor.channels))
        rows = _with_identities(rows, path)
        images_key = place.store.take_file(path)
    rows_key = place.store.put_bytes(_parquet(rows))
    whole = records.finish_tensor(place.catalog, tensor.id, images_key, rows_key, n_images)
    for key in {key for part in parts for key in (part.points_key, part.outcomes_key)} - {
        images_key,
        rows_key,
    }:
        place.store.delete(key)
    return whole


def _rows(place: Workplace, tensor: TensorRow, parts: list[PartRow]) -> pd.DataFrame:
    """One row a picture that was found: contract Images, without identities, plus notes and reason."""
    listing = place.store.get_bytes(tensor.listing_key).decode()
    outcomes = [one for part in parts for one in json.loads(place.store.get_bytes(part.outcomes_key))]
    rows: list[dict[str, Any]] = []
    row = 0
    for one, outcome in zip(placed_in(listing, 0, tensor.n_members), outcomes, strict=True):
        told = {"path": one.member.name, "class_name": one.class_name, "given_split": one.split}
        if isinstance(outcome, str):
            rows.append({**told, "row": -1, "width": 0, "height": 0, "notes": "", "reason": outcome})
        else:
            width, height, notes = outcome
            rows.append(
                {
                    **told,
                    "row": row,
                    "width": width,
                    "height": height,
                    "notes": ", ".join(notes),
                    "reason": "",
                }
            )
            row += 1
    for refusal in refused_in(listing):
        rows.append(
            {"path": refusal.name, "class_name": "", "given_split": "", "row": -1, "width": 0, "height": 0,
             "notes": "", "reason": refusal.reason}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _join(place: Workplace, parts: list[PartRow], path: Path, shape: tuple[int, ...]) -> None:
    """Writes the parts' points as one array of numpy's format, never holding more than a block."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for part in parts:
            with place.store.local_path(part.points_key).open("rb") as points:
                shutil.copyfileobj(points, file, 1 << 20)


def _with_identities(rows: pd.DataFrame, images_path: Path) -> pd.DataFrame:
    """The rows with image_id, and `group`: a number that near copies share; -1 where there are no points."""
    images = np.load(images_path, mmap_mode="r")
    ids = [one for at in range(0, len(images), _BLOCK) for one in image_ids(images[at : at + _BLOCK])]
    decoded = rows["reason"] == ""
    rows.loc[decoded, "image_id"] = ids
    rows["image_id"] = rows["image_id"].fillna("") if "image_id" in rows else ""
    first = rows[decoded].drop_duplicates("image_id")
    groups = near_groups(images, first["row"].to_numpy())
    rows["group"] = (
        rows["image_id"].map(dict(zip(first["image_id"], groups, strict=True))).fillna(-1).astype(int)
    )
    return rows


def _parquet(frame: pd.DataFrame) -> bytes:
    return bytes(frame.to_parquet(index=False))


def _facts(
    tensor: TensorRow,
    rows: pd.DataFrame,
    splits: pd.DataFrame,
    set_aside: Mapping[str, str],
    classes: list[str],
) -> dict[str, Any]:
    notes = rows.loc[rows["notes"] != "", "notes"].str.split(", ").explode()
    sizes = splits["group"].value_counts()
    return {
        "classes": classes,
        "size": tensor.size,
        "channels": tensor.channels,
        "splits": {str(k): int(v) for k, v in splits["split"].value_counts().sort_index().items()},
        "by_class": {str(k): int(v) for k, v in splits["class_name"].value_counts().sort_index().items()},
        "set_aside": dict(Counter(set_aside.values())),
        "near_copies": int(sizes[sizes > 1].sum()),
        "near_groups": int((sizes > 1).sum()),
        "notes": {str(k): int(v) for k, v in notes.value_counts().sort_index().items()},
        "n_refused": int((rows["reason"] != "").sum()),
    }


def pictures_of(place: Workplace, dataset: Dataset) -> tuple[Path, pd.DataFrame, tuple[str, ...]]:
    """What training reads: the file of points (uint8, n × size × size × channels, for numpy's mmap), the
    table of pictures (contract Splits) and the class names, whose places are the labels."""
    tensor = records.find_tensor(place.catalog, str(dataset.tensor_id))
    rows = pd.read_parquet(io.BytesIO(place.store.get_bytes(dataset.rows_key)))
    return place.store.local_path(tensor.images_key), rows, tuple(dataset.facts["classes"])


def shape_words(shape: Shape) -> str:
    return f"{shape.size} by {shape.size} points, {'grey' if shape.channels == 1 else 'colour'}"
