"""Seeded splits of pictures that do not leak: no picture, and no near copy of one, straddles them.

Splits that an archive brings are kept. There the held-out side stays whole, so that its figures stay
comparable with published ones, and what copies it is set aside from training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.errors import ContractError, InputError
from domain.kinds import Split

PROTOCOL = "unseen_images"
"""What the test split is held out from: pictures of known classes that were not trained on."""
SAME = "the same picture is in it already"
SAME_HELD_OUT = "the same picture is held out"
NEAR_HELD_OUT = "a near copy of it is held out"
UNTRAINED = "its class has no picture to train on"
_NEARER = {Split.TEST.value: 0, Split.VALIDATION.value: 1, Split.TRAIN.value: 2, "": 3}


@dataclass(frozen=True)
class SplitPlan:
    """Shares of each class's pictures; the rest is for training."""

    seed: int = 0
    validation_share: float = 0.1
    test_share: float = 0.2


@dataclass(frozen=True)
class Unique:
    """`kept` rows hold each picture once; `set_aside` are the other copies, path → reason."""

    kept: pd.DataFrame
    set_aside: Mapping[str, str]


@dataclass(frozen=True)
class SplitImages:
    """`splits` obeys contract `Splits`; `set_aside` are pictures in no split, path → reason."""

    splits: pd.DataFrame
    set_aside: Mapping[str, str]


def each_once(images: pd.DataFrame) -> Unique:
    """One copy of each picture of `images` (contract Images): the one held out furthest, else the first."""
    order = images.assign(_side=images["given_split"].map(_NEARER))
    order = order.sort_values(["_side", "path"], kind="stable")
    kept = order.drop_duplicates("image_id").set_index("image_id")["given_split"]
    copies = order[order.duplicated("image_id")]
    same_side = copies["given_split"] == copies["image_id"].map(kept)
    reasons = np.where(same_side, SAME, SAME_HELD_OUT)
    return Unique(
        images.drop(index=copies.index).reset_index(drop=True),
        {str(path): str(reason) for path, reason in zip(copies["path"], reasons, strict=True)},
    )


def split_images(images: pd.DataFrame, groups: np.ndarray, plan: SplitPlan) -> SplitImages:
    """Splits `images` (each picture once); `groups` are numbers that near copies share, by place.

    Raises InputError where nothing can be held out.
    """
    placed = images.assign(group=np.asarray(groups))
    if (placed["given_split"] != "").all():
        split, set_aside = _given(placed, plan)
    else:
        split, set_aside = (
            _drawn(placed, plan.seed, {"test": plan.test_share, "validation": plan.validation_share}),
            {},
        )
    placed["split"] = split
    placed["protocol"] = np.where(placed["split"] == Split.TEST, PROTOCOL, "")
    kept = placed[~placed["path"].isin(set_aside)]
    trained = set(kept.loc[kept["split"] == Split.TRAIN, "class_name"])
    strange = kept[~kept["class_name"].isin(trained)]
    set_aside = {**set_aside, **dict.fromkeys(strange["path"], UNTRAINED)}
    kept = kept.drop(index=strange.index).reset_index(drop=True)
    _check(kept)
    return SplitImages(kept, set_aside)


def _given(placed: pd.DataFrame, plan: SplitPlan) -> tuple[pd.Series, dict[str, str]]:
    split = placed["given_split"].astype(str)
    nearest = split.map(_NEARER).groupby(placed["group"]).transform("min")
    copies = split.map(_NEARER) > nearest
    set_aside = dict.fromkeys(placed.loc[copies, "path"], NEAR_HELD_OUT)
    if not (split == Split.VALIDATION).any():
        train = placed[(split == Split.TRAIN) & ~copies]
        # Where there is no test split either, both are drawn.
        shares = {} if (split == Split.TEST).any() else {"test": plan.test_share}
        split.loc[train.index] = _drawn(train, plan.seed, {**shares, "validation": plan.validation_share})
    elif not (split == Split.TEST).any():
        train = placed[(split == Split.TRAIN) & ~copies]
        split.loc[train.index] = _drawn(train, plan.seed, {"test": plan.test_share})
    return split, set_aside


def _drawn(placed: pd.DataFrame, seed: int, shares: Mapping[str, float]) -> pd.Series:
    """Whole groups of each class in seeded order to each held-out split, until its share is reached.

    A class keeps a group to train on at least; a group larger than a share stays in training.
    """
    random = np.random.default_rng(seed)
    sides: dict[int, str] = {}
    # A group belongs to the class of its first picture: near copies of two classes are rare.
    first = placed.drop_duplicates("group").set_index("group")["class_name"]
    sizes = placed["group"].value_counts()
    for _, groups in first.groupby(first, sort=True):
        waiting = list(random.permutation(np.sort(groups.index.to_numpy())))
        n_pictures = int(sizes[waiting].sum())
        for side, share in shares.items():
            wanted, taken = share * n_pictures, 0
            for group in list(waiting):
                if len(waiting) == 1 or taken >= wanted:
                    break
                if (size := int(sizes[group])) <= max(1, wanted - taken):
                    sides[int(group)], taken = side, taken + size
                    waiting.remove(group)
    return placed["group"].map(lambda group: sides.get(int(group), Split.TRAIN.value))


def _check(splits: pd.DataFrame) -> None:
    """Raises where a side is empty, or a picture or near copy stands on two sides."""
    for side in Split:
        if not (splits["split"] == side).any():
            raise InputError(
                f"no picture is left for the {side.value} split ({len(splits)} pictures in all): add pictures"
            )
    for column in ("image_id", "group"):
        sides = splits.groupby(column)["split"].nunique()
        if (sides > 1).any():
            raise ContractError(f"Splits: {column} {sides.index[sides > 1][0]!r} is in more than one split")
