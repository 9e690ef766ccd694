"""Serving an inbox: what is the files' fault is told once, what is not is tried again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from domain.errors import InputError, OutsideError, SettingError
from tasks.inbox import Done, watching


class Road:
    """A run of the whole road that ends as it is told to, in order."""

    def __init__(self, *ends: Exception | Done) -> None:
        self.ends, self.given = list(ends), []

    def __call__(self, given: dict[str, str], name: str) -> Done:
        self.given.append((sorted(given), name))
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def told(folder: Path) -> dict[str, tuple[str, str, str]]:
    with (folder / "inbox.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["file"]: (row["outcome"], row["reason"], row["job"]) for row in csv.DictReader(file)}


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    for name in ("guides/a.txt", "images/pets.zip"):
        (tmp_path / "inbox" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "inbox" / name).write_text("text")
    return tmp_path / "inbox"


def test_texts_and_pictures_are_datasets_of_their_own_and_a_failure_of_one_leaves_the_other(
    folder: Path,
) -> None:
    road = Road(InputError("only 3 graded answers were found"), Done("inbox-images", "a" * 36, "report.html"))
    with watching(str(folder), "inbox", 0, 60, road, lambda _: None) as watched:
        assert watched.serve_once()
        assert not watched.serve_once(), "nothing has changed"
    assert road.given == [(["guides"], "inbox"), (["images"], "inbox-images")]
    assert told(folder) == {
        "guides/a.txt": ("waiting", "only 3 graded answers were found", ""),
        "images/pets.zip": ("trained on", "", "aaaaaaaa"),
    }


def test_what_is_not_the_files_fault_is_tried_again_later_and_later(folder: Path) -> None:
    (folder / "images/pets.zip").unlink()
    road = Road(OutsideError("no answer"), ConnectionError("refused"), Done("inbox", "b" * 36, "report.html"))
    with watching(str(folder), "inbox", 0, 60, road, lambda _: None) as watched:
        assert not watched.serve_once()
        assert told(folder)["guides/a.txt"][:2] == ("waiting", "tried again soon: no answer")
        first = watched.pause(1)
        assert not watched.serve_once()
        assert "ConnectionError: refused" in told(folder)["guides/a.txt"][1]
        assert watched.pause(1) > first
        assert watched.serve_once()
        assert watched.pause(1) == 1
    assert told(folder)["guides/a.txt"][0] == "trained on"


def test_a_wrong_setting_ends_the_watch(folder: Path) -> None:
    with (
        watching(
            str(folder), "inbox", 0, 60, Road(SettingError("no such strategy")), lambda _: None
        ) as watched,
        pytest.raises(SettingError),
    ):
        watched.serve_once()
