import numpy as np
import pandas as pd
import pytest

from domain.contracts import sift
from domain.errors import ContractError, InputError
from domain.vision.contracts import Images, Splits
from domain.vision.splits import (
    NEAR_HELD_OUT,
    SAME,
    SAME_HELD_OUT,
    UNTRAINED,
    SplitPlan,
    each_once,
    split_images,
)


def frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """(picture, class, given split) of each row."""
    classes = sorted({row[1] for row in rows})
    return pd.DataFrame(
        [
            {
                "row": at, "image_id": picture.encode().hex().ljust(64, "0"), "path": f"{name}/{at:05}.png",
                "class_name": name, "label": classes.index(name), "given_split": split,
                "width": 9, "height": 9,
            }
            for at, (picture, name, split) in enumerate(rows)
        ]
    )  # fmt: skip


def ordinary(n: int = 100, split: str = "") -> list[tuple[str, str, str]]:
    return [(f"{split}{name}{at}", name, split) for name in ("cat", "dog", "owl") for at in range(n)]


def test_each_class_is_split_by_the_same_shares() -> None:
    images = frame(ordinary(100))
    splits = split_images(images, np.arange(300), SplitPlan(seed=1)).splits
    counts = splits.groupby(["class_name", "split"]).size().unstack()
    assert (counts == [20, 70, 10]).all().all()
    assert Splits.validate(splits, lazy=True)["protocol"].value_counts().to_dict() == {
        "": 240,
        "unseen_images": 60,
    }


def test_the_seed_decides_the_split_and_nothing_else_does() -> None:
    images = frame(ordinary(50))
    one, same, other = (split_images(images, np.arange(150), SplitPlan(seed=s)).splits for s in (1, 1, 2))
    assert one.equals(same)
    assert not one["split"].equals(other["split"])


def test_near_copies_stay_together() -> None:
    images = frame(ordinary(60))
    groups = np.arange(180) // 3
    splits = split_images(images, groups, SplitPlan()).splits
    assert (splits.groupby("group")["split"].nunique() == 1).all()


def test_a_chain_of_copies_as_large_as_a_class_stays_in_training() -> None:
    images = frame(ordinary(20))
    groups = np.where(images["class_name"] == "cat", 0, np.arange(60) + 1)
    splits = split_images(images, groups, SplitPlan()).splits
    assert set(splits.loc[splits["class_name"] == "cat", "split"]) == {"train"}


def test_splits_that_were_given_are_kept_and_validation_is_taken_from_training() -> None:
    images = frame([*ordinary(50, "train"), *ordinary(10, "test")])
    splits = split_images(images, np.arange(180), SplitPlan()).splits
    given = images.set_index("path")["given_split"]
    assert (splits.loc[splits["split"] == "test", "path"].map(given) == "test").all()
    assert splits["split"].value_counts().to_dict() == {"train": 135, "test": 30, "validation": 15}


def test_splits_that_were_given_whole_are_kept_as_they_are() -> None:
    images = frame([*ordinary(5, "train"), *ordinary(5, "test"), *ordinary(5, "validation")])
    splits = split_images(images, np.arange(45), SplitPlan()).splits
    assert splits["split"].equals(images["given_split"])


def test_what_copies_a_held_out_picture_is_set_aside_from_training() -> None:
    images = frame(
        [*ordinary(20, "train"), *ordinary(5, "test"), ("testcat0", "cat", "train"), ("z", "cat", "train")]
    )
    once = each_once(images)
    assert list(once.set_aside.values()) == [SAME_HELD_OUT]
    groups = np.arange(len(once.kept))
    groups[-1] = 60  # "z" is a near copy of the first test picture
    outcome = split_images(once.kept, groups, SplitPlan())
    assert dict(outcome.set_aside) == {images["path"].iloc[-1]: NEAR_HELD_OUT}
    assert (outcome.splits["split"] == "test").sum() == 15


def test_of_copies_on_one_side_the_first_is_kept() -> None:
    once = each_once(frame([("a", "cat", ""), ("b", "dog", ""), ("a", "cat", "")]))
    assert once.set_aside == {"cat/00002.png": SAME}
    assert list(once.kept["path"]) == ["cat/00000.png", "dog/00001.png"]


def test_a_class_that_nothing_trains_is_set_aside() -> None:
    images = frame([*ordinary(20, "train"), *ordinary(5, "test"), ("emu", "emu", "test")])
    outcome = split_images(images, np.arange(76), SplitPlan())
    assert list(outcome.set_aside.values()) == [UNTRAINED]


def test_too_few_pictures_to_hold_any_out_are_refused() -> None:
    with pytest.raises(InputError, match="no picture is left for the"):
        split_images(frame([("a", "cat", ""), ("b", "dog", "")]), np.arange(2), SplitPlan())


def test_one_picture_under_two_labels_is_rejected_in_both() -> None:
    images = frame([*ordinary(20), ("same", "cat", ""), ("same", "dog", "")])
    sifted = sift(Images, images, key="path", max_reject_share=0.1)
    assert [r.row for r in sifted.rejections] == ["cat/00060.png", "dog/00061.png"]
    assert {r.check for r in sifted.rejections} == {"image_id_has_one_class_name"}
    with pytest.raises(ContractError, match="2 of 62 rows"):
        sift(Images, images, key="path", max_reject_share=0.0)


def test_splits_with_a_group_on_two_sides_break_their_contract() -> None:
    splits = split_images(frame(ordinary(20)), np.arange(60), SplitPlan()).splits
    splits.loc[splits.index[:2], "group"] = 7
    splits.loc[splits.index[0], "split"] = "test"
    splits.loc[splits.index[1], "split"] = "train"
    with pytest.raises(Exception, match="group_in_one_split"):
        Splits.validate(splits, lazy=True)
