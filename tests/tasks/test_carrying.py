"""Files that are carried through the store: what a worker finds is what was found here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.kinds import Role
from tasks.carrying import carried, released, unpacked
from tasks.ingest import find_documents
from tasks.materials import FileChunk, Wanted, material_of
from tasks.workplace import Workplace, workplace
from tests.data.pictures import pets, spread, zipped


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("TRAINYARD_TASK_RUNNER", "dask")
    monkeypatch.setenv("TRAINYARD_DASK_SCHEDULER", "tcp://127.0.0.1:8786")
    return workplace()


def test_a_students_folder_keeps_its_name_and_files_and_goes_when_the_task_is_done(
    place: Workplace, tmp_path: Path
) -> None:
    paper = tmp_path / "papers" / "Ada Lovelace" / "question 1.txt"
    paper.parent.mkdir(parents=True)
    paper.write_text("sunlight")
    (chunk,) = carried(find_documents("submission", str(tmp_path / "papers")))
    paper.unlink()
    with unpacked(chunk) as here:
        root = Path(here["root"])
        assert root.name == "papers"
        assert (root / "Ada Lovelace" / "question 1.txt").read_text() == "sunlight"
        assert here["names"] == chunk["names"]
    assert list((place.settings.home / "scratch").iterdir()) == []
    released([chunk])
    assert place.store.keys() == []


def test_of_two_runs_on_the_same_files_neither_takes_the_others_away(
    place: Workplace, tmp_path: Path
) -> None:
    (tmp_path / "guide.txt").write_text("Question 1 (2 marks)")
    first, second = (carried(find_documents("guide", str(tmp_path / "guide.txt"))) for _ in range(2))
    released(first)
    with unpacked(second[0]) as here:
        assert (Path(here["root"]) / "guide.txt").exists()


def as_table(folder: Path) -> Path:
    root = spread(folder, pets(12))
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))
    (root / "labels.csv").write_text("path,label\n" + "".join(f"{n},{n.split('/')[0]}\n" for n in names))
    return root / "labels.csv"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda folder: zipped(folder / "pets.zip", pets(12)), id="archive"),
        pytest.param(lambda folder: spread(folder / "pets", pets(12)), id="folder"),
        pytest.param(lambda folder: as_table(folder / "pets"), id="table"),
    ],
)
def test_pictures_are_decoded_from_what_was_carried(
    place: Workplace, tmp_path: Path, given: Callable[[Path], Path]
) -> None:
    vision = material_of("vision")
    source = given(tmp_path)
    chunks = carried(vision.find(place, Role.IMAGES, str(source), Wanted(size=0, channels=0)))
    source.rename(tmp_path / "elsewhere")
    parts = []
    for chunk in chunks:
        with unpacked(chunk) as here:
            parts.append(vision.ingest(place, here))
    assert sum(part["n_read"] for part in parts) == 24
    assert [part["rejected"] for part in parts] == [[]] * len(parts)


def test_where_workers_see_the_folder_nothing_is_carried(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_DASK_FILES", "shared")
    (tmp_path / "guide.txt").write_text("Question 1 (2 marks)")
    chunks: list[FileChunk] = find_documents("guide", str(tmp_path / "guide.txt"))
    assert carried(chunks) == chunks
    with unpacked(chunks[0]) as here:
        assert here == chunks[0]
