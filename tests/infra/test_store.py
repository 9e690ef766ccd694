import hashlib
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from domain.errors import InputError, OutsideError, SettingError
from infra.store import Store


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        url = f"{request.getfixturevalue('bucket')}/store"
    else:
        url = str(tmp_path / "store") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    return Store.open(url, cache=tmp_path / "cache")


def test_content_comes_back_under_its_hash(store: Store) -> None:
    key = store.put_bytes(b"photosynthesis")
    assert key == hashlib.sha256(b"photosynthesis").hexdigest()
    assert store.get_bytes(key) == b"photosynthesis"
    assert store.local_path(key).read_bytes() == b"photosynthesis"


def test_a_file_and_its_bytes_have_one_key(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "guide.txt"
    path.write_bytes(b"marks" * 1000)
    assert store.put_file(path) == store.put_bytes(b"marks" * 1000)
    assert store.get_bytes(store.put_file(path)) == b"marks" * 1000


def test_each_part_of_a_pack_is_read_by_its_reference(store: Store) -> None:
    contents = [b"one", b"", "drei €".encode(), b"one"]
    refs = store.put_pack(contents)
    assert [store.get_bytes(ref) for ref in refs] == contents
    assert store.put_pack(contents) == refs
    assert store.put_pack([]) == []


def test_what_was_deleted_is_missing_and_named(store: Store) -> None:
    key = store.put_bytes(b"gone")
    assert store.has(key)
    store.delete(key)
    store.delete(key)
    assert not store.has(key)
    with pytest.raises(InputError, match=f"{key} is not in the store"):
        store.get_bytes(key)


def test_a_name_that_is_no_key_never_becomes_a_path(store: Store) -> None:
    for name in ("../../etc/passwd", "", "A" * 64, f"{'a' * 64}/..", f"{'a' * 64}#1+"):
        with pytest.raises(InputError, match="is not a key"):
            store.get_bytes(name)


def test_a_reference_beyond_its_pack_is_refused(store: Store) -> None:
    key = store.put_pack([b"abc"])[0].split("#")[0]
    with pytest.raises(InputError, match="beyond the end"):
        store.get_bytes(f"{key}#2+9")


def test_damage_is_noticed_even_after_a_good_read(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    key = store.put_bytes(b"checkpoint")
    assert store.get_bytes(key) == b"checkpoint"
    store.local_path(key).write_bytes(b"checkpoinT")
    with pytest.raises(InputError, match=f"{key} is damaged"):
        store.get_bytes(key)


def test_writing_again_mends_what_was_damaged(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    key = store.put_bytes(b"checkpoint")
    store.local_path(key).write_bytes(b"")
    assert store.put_bytes(b"checkpoint") == key
    assert store.get_bytes(key) == b"checkpoint"


def test_a_damaged_local_copy_is_fetched_again(tmp_path: Path) -> None:
    store = Store.open(f"memory://{uuid.uuid4().hex}", cache=tmp_path)
    key = store.put_bytes(b"far away")
    store.local_path(key).write_bytes(b"broken")
    assert store.get_bytes(key) == b"far away"


def test_a_kill_while_writing_leaves_no_object(tmp_path: Path) -> None:
    """A writer is killed somewhere in a long write; what is there afterwards is whole or not there."""
    script = (
        "import sys; from infra.store import Store; s = Store.open(sys.argv[1]); print('go', flush=True)\n"
        "for n in range(10_000): s.put_bytes(bytes([n % 251]) * 20_000_000)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    deadline = time.monotonic() + 60
    while not list((tmp_path / "unfinished").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.002)
    writer.kill()
    writer.wait()
    objects = list(tmp_path.glob("??/*"))
    store = Store.open(str(tmp_path))
    assert all(len(store.get_bytes(path.name)) == 20_000_000 for path in objects)


def test_what_a_killed_writer_left_is_swept_a_day_later(tmp_path: Path) -> None:
    Store.open(str(tmp_path))
    old, new = tmp_path / "unfinished" / "old", tmp_path / "unfinished" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 100_000,) * 2)
    Store.open(str(tmp_path))
    assert not old.exists()
    assert new.exists()


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutsideError, match=r"The store .*file/store cannot be used"):
        Store.open(str(tmp_path / "file" / "store"))


def test_a_copy_that_is_dropped_leaves_the_object(store: Store, tmp_path: Path) -> None:
    key = store.put_bytes(b"pages")
    store.local_path(key)
    store.drop_copy(key)
    assert not list((tmp_path / "cache").glob("??/*"))
    assert store.keys() == [key]
    assert store.get_bytes(key) == b"pages"


def test_a_bucket_that_is_not_there_is_named_and_not_made(bucket: str, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(
            SettingError, match=r"s3://misspelt-bucket, which is not there .* make the bucket"
        ):
            Store.open("s3://misspelt-bucket", cache=tmp_path).put_bytes(b"pages")


def test_a_url_that_nothing_serves_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match=r"TRAINYARD_STORE_URL is carrier-pigeon://loft"):
        Store.open("carrier-pigeon://loft")


def test_a_file_that_is_taken_is_gone_and_its_content_kept(store: Store, tmp_path: Path) -> None:
    for _ in range(2):
        path = tmp_path / "images.npy"
        path.write_bytes(b"points" * 1000)
        key = store.take_file(path)
        assert not path.exists()
        assert store.get_bytes(key) == b"points" * 1000
