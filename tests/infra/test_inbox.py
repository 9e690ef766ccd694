"""Inboxes: batches of quiet files, each once, whatever happens in between."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from domain.errors import InputError
from domain.kinds import Role
from infra.inbox import Inbox, look, open_inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return opened(tmp_path)


def opened(tmp_path: Path) -> Inbox:
    return open_inbox(tmp_path / "inbox", tmp_path / "home", quiet_seconds=5, patience_seconds=60)


def drop(inbox: Inbox, name: str, text: str = "text") -> None:
    (inbox.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (inbox.folder / name).write_text(text)


def names(batch: list) -> list[str]:
    return [one.name for one in batch]


def test_files_dropped_over_a_while_are_one_batch_once_all_are_quiet(inbox: Inbox) -> None:
    drop(inbox, "guides/a.txt")
    assert inbox.batch(0) == []
    drop(inbox, "submissions/b.txt")
    assert inbox.batch(4) == []
    assert inbox.batch(6) == [], "b is quiet for 2 seconds only"
    assert names(inbox.batch(9)) == ["guides/a.txt", "submissions/b.txt"]


def test_a_file_that_grows_is_waited_for(inbox: Inbox) -> None:
    drop(inbox, "guides/a.txt")
    inbox.batch(0)
    drop(inbox, "guides/a.txt", "text that is longer")
    assert inbox.batch(6) == []
    assert inbox.batch(10) == []
    assert names(inbox.batch(11)) == ["guides/a.txt"]


def test_a_file_that_never_rests_holds_the_others_up_only_for_so_long(inbox: Inbox) -> None:
    drop(inbox, "guides/a.txt")
    moment = 0.0
    while not (batch := inbox.batch(moment)) and moment < 1000:
        moment += 3
        drop(inbox, "submissions/log.txt", "x" * int(moment))
    assert names(batch) == ["guides/a.txt"]
    assert 60 <= moment < 80


def test_what_was_done_is_not_done_again_also_by_a_later_process(inbox: Inbox, tmp_path: Path) -> None:
    drop(inbox, "guides/a.txt")
    inbox.batch(0)
    batch = inbox.batch(5)
    assert names(inbox.batch(6)) == ["guides/a.txt"], "a batch that was not finished is given again"
    inbox.finish(batch, [])
    assert inbox.batch(7) == []
    later = opened(tmp_path)
    later.batch(0)
    assert later.batch(10) == []
    drop(later, "guides/b.txt")
    later.batch(11)
    assert names(later.batch(16)) == ["guides/a.txt", "guides/b.txt"]


def test_a_batch_is_laid_out_as_it_was_seen(inbox: Inbox) -> None:
    drop(inbox, "submissions/S1/q1.txt")
    drop(inbox, "guides/a.txt")
    inbox.batch(0)
    batch = inbox.batch(5)
    drop(inbox, "guides/late.txt")
    folders = inbox.lay_out(batch)
    assert set(folders) == {Role.GUIDE, Role.SUBMISSION}
    assert [p.name for p in folders[Role.GUIDE].iterdir()] == ["a.txt"]
    assert (folders[Role.SUBMISSION] / "S1" / "q1.txt").read_text() == "text"
    (inbox.folder / "guides/a.txt").unlink()
    assert not inbox.lay_out([one for one in batch if one.role is Role.GUIDE]), "a file that is gone"


def test_hidden_files_links_and_unfinished_downloads_are_left_out(inbox: Inbox) -> None:
    drop(inbox, "guides/.hidden")
    drop(inbox, "guides/a.pdf.crdownload")
    drop(inbox, "guides/~$open.docx")
    drop(inbox, ".git/config")
    (inbox.folder / "guides" / "link.txt").symlink_to("/etc/hostname")
    inbox.tell([])
    assert list(look(inbox.folder)) == []


def test_files_beside_the_folders_start_nothing(inbox: Inbox) -> None:
    drop(inbox, "lost.txt")
    inbox.batch(0)
    assert inbox.batch(10) == []


def test_what_is_told_opens_in_a_spreadsheet_and_runs_nothing_there(inbox: Inbox) -> None:
    row = {"file": "=1+1.txt", "outcome": "refused", "reason": "größer, als erlaubt"}
    inbox.tell([{**row, "dataset": "", "job": "", "report": ""}])
    with (inbox.folder / "inbox.csv").open(encoding="utf-8-sig", newline="") as file:
        (told,) = csv.DictReader(file)
    assert (told["file"], told["reason"]) == ("'=1+1.txt", "größer, als erlaubt")


def test_a_second_watcher_of_the_same_folder_is_turned_away(inbox: Inbox, tmp_path: Path) -> None:
    with (
        inbox.alone(),
        pytest.raises(InputError, match="watched by another process"),
        opened(tmp_path).alone(),
    ):
        pass
    with opened(tmp_path).alone():
        pass


def test_a_file_is_no_inbox(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("")
    with pytest.raises(InputError, match="give a folder to watch"):
        opened(tmp_path)
