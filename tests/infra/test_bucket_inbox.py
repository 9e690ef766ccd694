"""Inboxes in a bucket, on a server that speaks S3: an object is fetched once, and none leads elsewhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import fsspec
import pytest

from domain.errors import InputError, OutsideError
from domain.kinds import Role
from infra.bucket_inbox import BucketInbox, is_safe, open_bucket_inbox


@pytest.fixture
def inbox(bucket: str, tmp_path: Path) -> BucketInbox:
    return open_bucket_inbox(f"{bucket}/school", tmp_path / "home", quiet_seconds=5, patience_seconds=60)


def put(inbox: BucketInbox, name: str, text: str = "text") -> None:
    system, root = fsspec.core.url_to_fs(inbox.where)
    system.pipe_file(f"{root}/{name}", text.encode())


def names(batch: list) -> list[str]:
    return [one.name for one in batch]


def test_objects_are_a_batch_once_they_are_quiet_and_once_only(inbox: BucketInbox) -> None:
    assert inbox.batch(0) == [], "nothing was ever put there"
    put(inbox, "guides/a.txt")
    put(inbox, "submissions/S1/q1.txt", "sunlight")
    assert inbox.batch(1) == []
    batch = inbox.batch(6)
    assert names(batch) == ["guides/a.txt", "submissions/S1/q1.txt"]
    folders = inbox.lay_out(batch)
    assert set(folders) == {Role.GUIDE, Role.SUBMISSION}
    assert (folders[Role.SUBMISSION] / "S1" / "q1.txt").read_text() == "sunlight"
    inbox.finish(batch, [])
    assert inbox.batch(20) == []


def test_an_object_that_is_written_anew_is_fetched_anew_and_the_others_are_not(
    inbox: BucketInbox, tmp_path: Path
) -> None:
    for name in ("guides/a.txt", "guides/b.txt"):
        put(inbox, name)
    inbox.batch(0)
    batch = inbox.batch(6)
    inbox.lay_out(batch)
    inbox.finish(batch, [])
    put(inbox, "guides/a.txt", "TEXT")
    (copies,) = (tmp_path / "home" / "inboxes").glob("*/copies")
    before = {path.name for path in copies.iterdir()}
    inbox.batch(7)
    batch = inbox.batch(12)
    folders = inbox.lay_out(batch)
    assert (folders[Role.GUIDE] / "a.txt").read_text() == "TEXT"
    assert len({path.name for path in copies.iterdir()} - before) == 1
    inbox.finish(batch, [])
    assert len(list(copies.iterdir())) == 2


def test_keys_that_are_no_paths_and_what_is_not_whole_are_left_out(inbox: BucketInbox) -> None:
    for name in (
        "guides/../../etc/passwd",
        "guides/a.part",
        "guides/.hidden",
        f"guides/{'x' * 300}",
        "guides/d",
    ):
        put(inbox, name)
    put(inbox, "guides/d/e.txt")
    inbox.tell([])
    inbox.batch(0)
    assert names(inbox.batch(6)) == ["guides/d/e.txt"]
    assert not any(map(is_safe, ("", "/etc/passwd", "a//b", "../a", "a/..", "a\0b")))


def test_what_became_of_each_file_is_told_in_the_bucket(inbox: BucketInbox) -> None:
    row = {"file": "guides/a.txt", "outcome": "refused", "reason": "größer"}
    inbox.tell([{**row, "dataset": "", "job": "", "report": ""}])
    system, root = fsspec.core.url_to_fs(inbox.where)
    text = system.cat_file(f"{root}/inbox.csv").decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text)))["reason"] == "größer"


def test_a_store_that_is_away_may_come_back_and_an_unknown_protocol_will_not(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = open_bucket_inbox(f"{bucket}/school", tmp_path, 5, 60)
    away, _ = fsspec.core.url_to_fs(f"{bucket}/school", endpoint_url="http://127.0.0.1:1")
    monkeypatch.setattr(inbox, "_system", away)
    with pytest.raises(OutsideError, match="did not answer"):
        inbox.batch(0)
    with pytest.raises(InputError, match="s3://bucket/inbox"):
        open_bucket_inbox("carrier-pigeon://loft", tmp_path, 5, 60)
