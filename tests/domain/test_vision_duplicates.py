import io

import numpy as np
import pytest
from PIL import Image

from domain.vision.duplicates import image_ids, near_groups
from tests.data.pictures import encoded, picture

SIZE = 48


def drawn(n: int, channels: int = 3) -> np.ndarray:
    made = np.stack([np.asarray(picture(seed, SIZE, channels)) for seed in range(n)])
    return made.reshape(n, SIZE, SIZE, channels)


def saved_anew(images: np.ndarray) -> np.ndarray:
    def one(image: np.ndarray) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(encoded(Image.fromarray(image), "JPEG", quality=60))))

    return np.stack([one(image) for image in images])


def scaled(images: np.ndarray) -> np.ndarray:
    return np.stack(
        [np.asarray(Image.fromarray(i).resize((30, 30), 3).resize((SIZE, SIZE), 3)) for i in images]
    )


def brighter(images: np.ndarray) -> np.ndarray:
    return (images * 0.85 + 30).astype(np.uint8)


@pytest.mark.parametrize("change", [saved_anew, scaled, brighter])
def test_copies_that_were_changed_a_little_are_one_group(change: object) -> None:
    originals = drawn(200)
    images = np.concatenate([originals, change(originals)])  # type: ignore[operator]
    groups = near_groups(images, np.arange(400))
    assert (groups[:200] == groups[200:]).mean() > 0.97
    assert len(np.unique(groups[:200])) == 200


def test_other_pictures_are_groups_of_their_own_in_grey_too() -> None:
    assert np.array_equal(near_groups(drawn(300, channels=1), np.arange(300)), np.arange(300))


def test_chains_of_copies_are_one_group_wherever_they_stand() -> None:
    one = drawn(1)
    images = np.concatenate([drawn(50), brighter(one), brighter(brighter(one))])
    groups = near_groups(images, np.arange(52))
    assert groups[0] == groups[50] == groups[51]


def test_only_the_rows_that_are_asked_for_are_compared() -> None:
    images = np.concatenate([drawn(5), brighter(drawn(5))])
    assert list(near_groups(images, np.array([0, 2, 7]))) == [0, 1, 1]
    assert len(near_groups(images, np.array([], dtype=np.int64))) == 0


def test_pictures_without_anything_on_them_are_not_called_copies() -> None:
    blank = np.stack([np.full((SIZE, SIZE, 3), level, np.uint8) for level in (0, 100, 200)])
    assert len(np.unique(near_groups(blank, np.arange(3)))) == 3


def test_an_image_is_named_by_its_points() -> None:
    images = drawn(2)
    first, second = image_ids(images)
    assert first != second
    assert image_ids(images[[0, 1, 0]]) == [first, second, first]
