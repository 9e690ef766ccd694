"""`trainyard prepare` on pictures, as people run it."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.pictures import encoded, pets, png, zipped
from tests.flows.conftest import CommandLine


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    contents = {**pets(40), "cat/cut.png": png(1)[:50], "cat/Thumbs.db": b"x"}
    return zipped(tmp_path / "pets.zip", contents)


def test_an_archive_becomes_a_dataset_and_is_told_in_words(trainyard: CommandLine, archive: Path) -> None:
    done = trainyard.run("prepare", "--kind", "vision", "--images", archive, "--dataset", "pets", code=1)
    assert "81 pictures: 81 new" in done.stdout
    assert (
        "Dataset pets: 80 pictures of 2 classes (16 test, 56 train, 8 validation), 24 by 24 points"
        in done.stdout
    )
    assert "cat/cut.png: it is damaged or cut off" in done.stdout
    assert "1 thumbs.db" in done.stdout
    again = trainyard.json("prepare", "--images", archive, "--dataset", "pets", "--allow-rejects")
    assert sum(part["n_read"] for part in again["ingested"]) == 0
    assert again["dataset"]["n_answers"] == 80


def test_datasets_are_listed_found_renamed_and_deleted(
    trainyard: CommandLine, archive: Path, tmp_path: Path
) -> None:
    trainyard.run("prepare", "--images", archive, "--dataset", "pets", "--allow-rejects")
    zipped(tmp_path / "bad.zip", {"cat/1.png": png(1)})
    told = trainyard.run("prepare", "--images", tmp_path / "bad.zip", "--dataset", "bad", code=1)
    assert "two at least" in told.stderr
    rows = {row["dataset"]: row for row in trainyard.json("datasets")}
    assert rows["pets"]["state"] == "ready" and rows["bad"]["state"] == "error"
    assert "two at least" in rows["bad"]["what"]
    trainyard.run("datasets", "rename", "pets", "Haustiere")
    assert [row["dataset"] for row in trainyard.json("datasets", "--search", "haus")] == ["Haustiere"]
    assert trainyard.json("datasets", "delete", "Haustiere")["n_files"] == 4
    assert [row["dataset"] for row in trainyard.json("datasets")] == ["bad"]


def test_a_killed_preparation_goes_on_where_it_was(trainyard: CommandLine, tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    contents = {
        f"{name}/{at}.jpg": encoded(picture_of(noise), "JPEG") for name in ("cat", "dog") for at in range(400)
    }
    path = zipped(tmp_path / "pets.zip", contents)
    arguments = ("prepare", "--images", path, "--dataset", "pets", "--size", "64")
    trainyard.kill_at("decoding pictures:", *arguments, TRAINYARD_CHUNK_SIZE="20", TRAINYARD_WORKERS="1")
    assert [row["state"] for row in trainyard.json("datasets")] == ["processing"]
    time.sleep(1)
    outcome = trainyard.json(*arguments, TRAINYARD_CHUNK_SIZE="20")
    (part,) = outcome["ingested"]
    assert 0 < part["n_known"] < 800 and part["n_known"] + part["n_read"] == 800
    assert outcome["dataset"]["n_answers"] == 800


def picture_of(noise: np.random.Generator) -> Image.Image:
    coarse = Image.fromarray(noise.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    return coarse.resize((900, 900))
