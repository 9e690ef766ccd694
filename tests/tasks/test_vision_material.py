"""From archives of pictures to datasets, as the tasks of `prepare` do it, without a Prefect server."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import ContractError, InputError
from domain.kinds import Role
from domain.vision.images import Shape, decode
from infra.catalog import Dataset, delete_dataset, find_tensor, quarantined
from tasks.choice import training_data
from tasks.materials import FileChunk, Wanted
from tasks.picture_sets import pictures_of
from tasks.vision_material import VisionMaterial
from tasks.workplace import Workplace, workplace
from tests.data.pictures import encoded, pets, picture, png, spread, zipped

VISION = VisionMaterial()
CHOSEN = Wanted(size=0, channels=0)


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("TRAINYARD_CHUNK_SIZE", "15")
    return workplace()


def found(place: Workplace, path: Path, wanted: Wanted = CHOSEN) -> list[FileChunk]:
    return VISION.find(place, Role.IMAGES, str(path), wanted)


def made(
    place: Workplace, path: Path, name: str = "pets", share: float = 0.05, wanted: Wanted = CHOSEN
) -> Dataset:
    ingested = [VISION.ingest(place, chunk) for chunk in found(place, path, wanted)]
    return VISION.make_dataset(place, name, VISION.taken(place, ingested, False), "", 0, share)


def opened(place: Workplace, dataset: Dataset) -> tuple[np.ndarray, pd.DataFrame, tuple[str, ...]]:
    path, rows, classes = pictures_of(place, dataset)
    return np.load(path, mmap_mode="r"), rows, classes


def test_an_archive_becomes_rows_of_an_array_with_labels_and_splits(place: Workplace, tmp_path: Path) -> None:
    contents = pets(30)
    dataset = made(place, zipped(tmp_path / "pets.zip", contents))
    images, rows, classes = opened(place, dataset)
    assert images.shape == (60, 24, 24, 3) and images.dtype == np.uint8
    assert classes == ("cat", "dog")
    for row in rows.itertuples():
        assert images[row.row].tobytes() == decode(contents[row.path], Shape(24, 3)).points
        assert classes[row.label] == row.class_name == row.path.split("/")[0]
    assert rows["split"].value_counts().to_dict() == {"train": 42, "test": 12, "validation": 6}
    assert "60 pictures of 2 classes" in VISION.facts(place, dataset)["summary"]


def test_a_second_time_nothing_is_decoded_and_the_dataset_is_the_same(
    place: Workplace, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "pets.zip", pets(30))
    first = made(place, path)
    moved = path.rename(tmp_path / "renamed.zip")
    ingested = [VISION.ingest(place, chunk) for chunk in found(place, moved)]
    assert sum(part["n_read"] for part in ingested) == 0
    assert made(place, moved).id == first.id


def test_the_same_pictures_in_a_folder_are_the_same_dataset(place: Workplace, tmp_path: Path) -> None:
    first = made(place, zipped(tmp_path / "pets.zip", pets(30)))
    assert made(place, spread(tmp_path / "pets", pets(30)), "other name").id == first.id


def test_decoding_that_was_broken_off_goes_on_where_it_stopped(place: Workplace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", pets(30))
    chunks = found(place, path)
    assert len(chunks) == 4
    taken = VISION.taken(place, [VISION.ingest(place, chunk) for chunk in chunks[:2]], False)
    with pytest.raises(InputError, match="Only 30 of 60 pictures are decoded"):
        VISION.make_dataset(place, "pets", taken, "", 0, 0.05)
    assert [VISION.ingest(place, chunk)["n_read"] for chunk in found(place, path)] == [0, 0, 15, 15]
    whole, _, _ = opened(place, made(place, path))
    assert len(whole) == 60


def test_the_parts_are_gone_once_the_array_is_whole(place: Workplace, tmp_path: Path) -> None:
    made(place, zipped(tmp_path / "pets.zip", pets(30)))
    kept = [p for p in Path(place.store.place).rglob("*") if p.is_file()]
    assert len(kept) == 4, "listing, points, table of pictures, table of splits"
    assert not list((place.settings.home / "scratch").glob("unfinished-*"))


def test_what_cannot_be_used_is_counted_and_put_into_quarantine(place: Workplace, tmp_path: Path) -> None:
    contents = {
        **pets(40), "cat/cut.png": png(1)[:50], "dog/page.png": b"<html>", "__MACOSX/cat/._1.png": b"x",
        "cat/both.png": png(5000), "dog/both.png": png(5000), "cat/again.png": png(0), "../evil.png": png(1),
    }  # fmt: skip
    path = zipped(tmp_path / "pets.zip", contents)
    ingested = [VISION.ingest(place, chunk) for chunk in found(place, path)]
    assert {r["name"] for part in ingested for r in part["rejected"]} == {
        "../evil.png",
        "cat/cut.png",
        "dog/page.png",
    }
    assert ingested[0]["skipped"] == {"__macosx": 1}
    with pytest.raises(ContractError, match=r"5 of 86 rows \(5\.8%\) fail"):
        made(place, path)
    dataset = made(place, path, share=0.1)
    assert dataset.facts["set_aside"] == {"the same picture is in it already": 1}
    rows = quarantined(place.catalog, "local", ["pictures of pets"])
    assert set(rows["row"]) == {"../evil.png", "cat/cut.png", "dog/page.png", "cat/both.png", "dog/both.png"}
    assert dataset.n_answers == 80


def test_pictures_of_the_test_folder_are_not_trained_on(place: Workplace, tmp_path: Path) -> None:
    brighter = picture(100).point(lambda v: int(v * 0.9 + 20))
    contents = {**pets(30, "train/"), **pets(10, "test/", first=100), "train/cat/same.png": png(101)}
    contents["train/cat/near.jpg"] = encoded(brighter, "JPEG", quality=90)
    dataset = made(place, zipped(tmp_path / "pets.zip", contents))
    assert dataset.facts["set_aside"] == {
        "a near copy of it is held out": 1,
        "the same picture is held out": 1,
    }
    assert dataset.facts["splits"] == {"test": 20, "train": 54, "validation": 6}


def test_the_shape_is_chosen_from_the_pictures_or_asked_for(place: Workplace, tmp_path: Path) -> None:
    grey = {name: png(at, 40, 1) for at, name in enumerate(pets(12))}
    path = zipped(tmp_path / "grey.zip", grey)
    assert opened(place, made(place, path))[0].shape[1:] == (40, 40, 1)
    asked = made(place, path, wanted=Wanted(size=16, channels=3))
    assert opened(place, asked)[0].shape[1:] == (16, 16, 3)
    with pytest.raises(InputError, match="size 4 is not possible"):
        found(place, path, Wanted(size=4, channels=0))


def test_strategies_are_given_training_and_validation_and_never_the_test(
    place: Workplace, tmp_path: Path
) -> None:
    dataset = made(place, zipped(tmp_path / "pets.zip", pets(30)))
    data = training_data(dataset.id)
    assert set(data.rows["split"]) == {"train", "validation"} and len(data.rows) == 48
    assert np.load(data.images_path, mmap_mode="r").shape == (60, 24, 24, 3)
    assert (data.classes, data.fingerprint) == (("cat", "dog"), dataset.fingerprint)


def test_a_compressed_tar_is_decoded_too(place: Workplace, tmp_path: Path) -> None:
    spread(tmp_path / "pets", pets(30))
    path = Path(shutil.make_archive(str(tmp_path / "pets"), "gztar", tmp_path / "pets"))
    assert made(place, path).n_answers == 60


def test_a_deleted_dataset_leaves_nothing_in_the_store(place: Workplace, tmp_path: Path) -> None:
    dataset = made(place, zipped(tmp_path / "pets.zip", pets(30)))
    for key in delete_dataset(place.catalog, dataset.id):
        place.store.delete(key)
    assert [p for p in Path(place.store.place).rglob("*") if p.is_file()] == []
    with pytest.raises(InputError, match="There are no decoded pictures"):
        find_tensor(place.catalog, str(dataset.tensor_id))


def test_an_archive_with_nothing_to_decode_says_so(place: Workplace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", {f"{c}/{n}.png": b"no" for c in ("cat", "dog") for n in range(5)})
    with pytest.raises(InputError, match="are they pictures"):
        found(place, path)
