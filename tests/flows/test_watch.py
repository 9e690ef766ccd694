"""`trainyard watch`: files dropped into a folder end as a reported model, once, nobody at the keyboard."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest

from infra import catalog as records
from infra.catalog import Catalog, JobState
from tests.flows.conftest import CommandLine, write_class_set

WATCH = ("--strategy", "native", "--set", "iterations=2", "--quiet", "2")
Wait = Callable[[Callable[[], Any], float], Any]


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hundred")
    write_class_set(folder, 100)
    return folder


@contextmanager
def watching(trainyard: CommandLine, inbox: Path) -> Iterator[subprocess.Popen[str]]:
    process = trainyard.start("watch", inbox, *WATCH)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def told(inbox: Path) -> dict[str, dict[str, str]]:
    """file → its line of inbox.csv"""
    if not (inbox / "inbox.csv").exists():
        return {}
    with (inbox / "inbox.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def drop(class_set: Path, inbox: Path, *parts: str) -> None:
    for part, folder in (("guides", "guides"), ("papers", "submissions")):
        if part in parts:
            shutil.copytree(class_set / part, inbox / folder, dirs_exist_ok=True)


def test_a_hundred_files_dropped_at_once_are_each_read_once_and_trained_on_once(
    trainyard: CommandLine, hundred: Path, tmp_path: Path, wait_for: Wait
) -> None:
    inbox = tmp_path / "inbox"
    with watching(trainyard, inbox):
        wait_for(lambda: (inbox / "guides").is_dir(), 60)
        (inbox / "submissions" / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
        (inbox / "notes.txt").write_text("see you on Monday")
        drop(hundred, inbox, "papers")
        drop(hundred, inbox, "guides")
        rows = wait_for(lambda: (r := told(inbox)) and r.get("guides/plants.txt", {}).get("job") and r, 200)
    assert len(rows) == 103
    assert (rows["submissions/broken.pdf"]["outcome"], rows["submissions/broken.pdf"]["job"]) == (
        "rejected",
        "",
    )
    assert rows["submissions/broken.pdf"]["reason"]
    assert "put it into one of guides/" in rows["notes.txt"]["reason"]
    used = [row for row in rows.values() if row["job"]]
    assert len(used) == 101
    assert {row["outcome"] for row in used} <= {"trained on", "duplicate"}
    assert Path(used[0]["report"]).read_text().startswith("<!")
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        assert job.state is JobState.FINISHED
        assert job.id.startswith(used[0]["job"])
        assert len(records.datasets(catalog, "local")) == 1
        assert len(records.files(catalog, "local")) == 102


def test_a_guide_alone_waits_for_papers_with_the_reason_and_is_trained_on_when_they_come(
    trainyard: CommandLine, class_set: Path, tmp_path: Path, wait_for: Wait
) -> None:
    inbox = tmp_path / "inbox"
    with watching(trainyard, inbox):
        wait_for(lambda: (inbox / "guides").is_dir(), 60)
        drop(class_set, inbox, "guides")
        waiting = wait_for(
            lambda: (row := told(inbox).get("guides/plants.txt")) and row["outcome"] == "waiting" and row, 120
        )
        assert "only 0 graded answers" in waiting["reason"]
        drop(class_set, inbox, "papers")
        wait_for(lambda: told(inbox)["guides/plants.txt"]["job"], 200)


def test_what_is_put_into_a_bucket_is_read_and_told_there(
    trainyard: CommandLine, class_set: Path, bucket: str
) -> None:
    system, root = fsspec.core.url_to_fs(bucket)
    system.put_file(str(class_set / "guides" / "plants.txt"), f"{root}/inbox/guides/plants.txt")
    trainyard.run("watch", f"{bucket}/inbox", *WATCH, "--once")
    text = system.cat_file(f"{root}/inbox/inbox.csv").decode("utf-8-sig")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["file"], row["outcome"]) == ("guides/plants.txt", "waiting")
    assert "only 0 graded answers" in row["reason"]


@pytest.mark.timeout(600)
def test_killed_in_the_middle_and_started_again_it_repeats_nothing(
    trainyard: CommandLine, class_set: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    drop(class_set, inbox, "guides", "papers")
    trainyard.kill_at("iteration 1:", "watch", inbox, *WATCH)
    assert {row["outcome"] for row in told(inbox).values()} == {"in work"}
    again = trainyard.run("watch", inbox, *WATCH, "--once").stderr
    assert "iteration 2:" in again
    assert "all 30 are known already" in again
    assert all(row["job"] for row in told(inbox).values())
    # Everything is done: a third start looks, and does nothing.
    before = (inbox / "inbox.csv").stat().st_mtime_ns
    assert "are quiet and new" not in trainyard.run("watch", inbox, *WATCH, "--once").stderr
    assert (inbox / "inbox.csv").stat().st_mtime_ns == before
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        assert [row.iteration for row in records.iterations(catalog, job.id)] == [1, 2]
