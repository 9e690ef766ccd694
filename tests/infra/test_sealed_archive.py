"""Archives that prove what is in them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from domain.errors import InputError
from infra.sealed_archive import reading, writing


def archive(folder: Path) -> Path:
    path = folder / "a.tar"
    (folder / "file").write_bytes(b"content")
    with writing(path) as writer:
        writer.add_file("files/one", folder / "file")
        assert writer.add_lines("lines/two", [b"1\n", b"2\n"]) == 2
        writer.seal({"format": "test"})
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with reading(archive(tmp_path)) as reader:
        assert reader.facts["format"] == "test"
        assert list(reader.lines("lines/two")) == [b"1\n", b"2\n"]
        reader.copy("files/one", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"content"


def test_any_byte_that_changed_in_a_part_is_noticed(tmp_path: Path) -> None:
    path = archive(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        if not whole[place]:
            continue
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match="damaged"), reading(path):
            pass


def test_an_archive_that_was_broken_off_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "a.tar") as writer:
        writer.add_lines("one", [b"1"])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_folders_and_strangers_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = archive(tmp_path)
    with tarfile.open(path, "a") as tar:
        header = tarfile.TarInfo("odd")
        header.type, header.linkname = kind, "/etc/passwd"
        tar.addfile(header)
    with pytest.raises(InputError, match="odd"), reading(path):
        pass


def test_a_part_that_the_manifest_does_not_name_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path)
    with tarfile.open(path, "a") as tar:
        header = tarfile.TarInfo("stranger")
        header.size = 1
        tar.addfile(header, io.BytesIO(b"x"))
    with pytest.raises(InputError, match="stranger is not in its manifest"), reading(path):
        pass
