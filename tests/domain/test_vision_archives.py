import io
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import InputError
from domain.vision.archives import Form, Opened, form_of, listing
from domain.vision.records import ArchiveLimits, Member, Refusal, Skipped
from domain.vision.tar_archives import unpack
from tests.data.pictures import pets, png, spread, zipped

LIMITS = ArchiveLimits()


def members(path: Path, limits: ArchiveLimits = LIMITS) -> list[Member]:
    return [one for one in listing(path, limits) if isinstance(one, Member)]


def refusals(path: Path) -> dict[str, str]:
    return {one.name: one.reason for one in listing(path, LIMITS) if isinstance(one, Refusal)}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_a_zip_are_read_back_as_they_were(tmp_path: Path, method: int) -> None:
    contents = pets(3)
    path = zipped(tmp_path / "pets.zip", contents, method)
    opened = Opened(path)
    assert {one.name: opened.read(one) for one in members(path)} == contents
    opened.close()


def test_a_zip_is_read_behind_a_program_that_unpacks_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", pets(2))
    path.write_bytes(b"#!/bin/sh\n" * 50 + path.read_bytes())
    renamed = path.rename(tmp_path / "pets.exe.zip")
    opened = Opened(renamed)
    assert {one.name: opened.read(one) for one in members(renamed)} == pets(2)
    opened.close()


def test_a_zip_with_the_records_of_large_archives_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pets(1).items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    widened(path)
    opened = Opened(path)
    assert {one.name: opened.read(one) for one in members(path)} == pets(1)
    opened.close()


def widened(path: Path) -> None:
    """Gives an archive the end record that those of over 65,535 members have."""
    content = path.read_bytes()
    at = content.rindex(b"PK\5\6")
    n, size, start = struct.unpack_from("<H2L", content, at + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n, n, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(content[:at] + record + locator + end)


def test_a_folder_and_a_tar_give_the_same_members_as_a_zip(tmp_path: Path) -> None:
    contents = pets(3)
    folder = spread(tmp_path / "pets", contents)
    with tarfile.open(tmp_path / "pets.tar", "w") as archive:
        archive.add(folder, ".")
    for path in (folder, tmp_path / "pets.tar"):
        opened = Opened(path)
        assert {one.name: opened.read(one) for one in members(path)} == contents
        opened.close()


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_is_made_plain_first(tmp_path: Path, mode: str) -> None:
    folder = spread(tmp_path / "pets", pets(3))
    packed = tmp_path / "pets.tar.packed"
    with tarfile.open(packed, mode) as archive:
        archive.add(folder, "pets")
    assert form_of(packed) is Form.PACKED_TAR
    read: list[int] = []
    unpack(packed, tmp_path / "plain.tar", LIMITS, read.append)
    assert len(members(tmp_path / "plain.tar")) == 6
    assert sum(read) == packed.stat().st_size


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_that_is_cut_off_is_refused(tmp_path: Path, mode: str) -> None:
    packed = tmp_path / "pets.tar.packed"
    with tarfile.open(packed, mode) as archive:
        archive.add(spread(tmp_path / "pets", pets(3)), "pets")
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"pets\.tar\.packed is (damaged|cut off)"):
        unpack(packed, tmp_path / "plain.tar", LIMITS, lambda _: None)


def test_a_compressed_tar_that_explodes_is_stopped_on_its_way(tmp_path: Path) -> None:
    packed = tmp_path / "bomb.tar.gz"
    packed.write_bytes(zlib.compress(bytes(40 << 20), 9, 31))
    limits = replace(LIMITS, ratio_from_bytes=4 << 20)
    with pytest.raises(InputError, match="times its size"):
        unpack(packed, tmp_path / "plain.tar", limits, lambda _: None)
    assert (tmp_path / "plain.tar").stat().st_size < 8 << 20


def test_names_that_lead_out_of_the_archive_are_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    hostile = [
        "../cat/1.png",
        "/etc/1.png",
        "C:/cat/1.png",
        "cat\\..\\..\\1.png",
        "cat/aux.png",
        "cat/\x07.png",
    ]
    path = zipped(tmp_path / "pets.zip", {**pets(1), **{name: png(7) for name in hostile}})
    assert len(members(path)) == 2
    assert len(refusals(path)) == len(hostile)


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "pets.tar", "w") as archive:
        for name, kind in (
            ("cat/1.png", tarfile.SYMTYPE),
            ("cat/2.png", tarfile.LNKTYPE),
            ("cat/3.png", tarfile.CHRTYPE),
            ("cat/4.png", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert set(refusals(tmp_path / "pets.tar")) == {f"cat/{n}.png" for n in (1, 2, 3, 4)}
    link = zipfile.ZipInfo("cat/1.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "link" in refusals(tmp_path / "pets.zip")["cat/1.png"]


def test_links_in_a_folder_are_told_and_not_followed(tmp_path: Path) -> None:
    folder = spread(tmp_path / "pets", pets(1))
    (folder / "cat" / "link.png").symlink_to("/etc/passwd")
    (folder / "dog" / "etc").symlink_to("/etc")
    assert set(refusals(folder)) == {"cat/link.png", "dog/etc"}
    assert len(members(folder)) == 2


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", {"cat/1.png": png(1)})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusals(path)["cat/1.png"]


def test_an_archive_with_overlapping_members_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"cat/1.png": png(1), "cat/2.png": png(2)})
    content = path.read_bytes()
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 4)
    path.write_bytes(content[: second + 42] + struct.pack("<L", 0) + content[second + 46 :])
    with pytest.raises(InputError, match=r"bomb\.zip has members that overlap"):
        members(path)


def test_an_archive_that_unpacks_to_many_times_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"cat/1.bmp": bytes(8 << 20)})
    with pytest.raises(InputError, match="times its size"):
        members(path, replace(LIMITS, ratio_from_bytes=1 << 20))
    with pytest.raises(InputError, match="split it"):
        members(path, replace(LIMITS, most_unpacked_bytes=1 << 20))


def test_an_archive_with_too_many_members_is_refused_before_they_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", {f"cat/{n}.png": b"" for n in range(50)})
    with pytest.raises(InputError, match="has 50 members, more than the 10 allowed"):
        members(path, replace(LIMITS, most_members=10))


def test_a_member_that_lies_about_its_size_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", {"cat/1.png": b"a" * 100_000})
    (member,) = members(path)
    opened = Opened(path)
    for lie in (replace(member, size_bytes=10), replace(member, crc=member.crc ^ 1)):
        with pytest.raises(InputError, match="damaged in the archive"):
            opened.read(lie)
    opened.close()


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.99])
def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    path = zipped(tmp_path / "pets.zip", pets(5))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=r"pets\.zip is cut off"):
        members(path)


def test_litter_is_counted_and_not_taken_for_pictures(tmp_path: Path) -> None:
    litter = ["__MACOSX/cat/._1.png", "cat/.DS_Store", "cat/.ipynb_checkpoints/1.png", "dog/Thumbs.db",
              "README.txt", "labels.csv", ".git/x.png"]  # fmt: skip
    path = zipped(tmp_path / "pets.zip", {**pets(2), **dict.fromkeys(litter, b"x")})
    skipped = Counter(one.what for one in listing(path, LIMITS) if isinstance(one, Skipped))
    assert sum(skipped.values()) == len(litter)
    assert skipped["txt files"] == skipped["__macosx"] == skipped[".ds_store"] == skipped["thumbs.db"] == 1
    assert len(members(path)) == 4


def test_two_members_of_one_name_are_not_both_taken(tmp_path: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("cat/1.png", png(1))
        archive.writestr("cat/1.png", png(2))
    assert len(members(tmp_path / "pets.zip")) == 1
    assert "same name" in refusals(tmp_path / "pets.zip")["cat/1.png"]


def test_a_table_names_paths_labels_and_splits(tmp_path: Path) -> None:
    spread(tmp_path, {"a/1.png": png(1), "a/2.png": png(2), "a/4.png": png(4)})
    (tmp_path / "labels.csv").write_text(
        "Filename;Class;Split\na/1.png;cat;train\na\\2.png;dog;test\na/3.png;dog;test\n../x.png;dog;test\na/4.png;;\n"
    )
    found = list(listing(tmp_path / "labels.csv", LIMITS))
    assert [(m.name, m.label, m.split) for m in found if isinstance(m, Member)] == [
        ("a/1.png", "cat", "train"),
        ("a/2.png", "dog", "test"),
        ("a/4.png", "", ""),
    ]
    assert [one.name for one in found if isinstance(one, Refusal)] == ["a/3.png", "../x.png"]
    opened = Opened(tmp_path / "labels.csv")
    assert opened.read(next(m for m in found if isinstance(m, Member))) == png(1)


def test_a_table_of_paths_alone_names_pictures_that_have_no_label(tmp_path: Path) -> None:
    spread(tmp_path, {"a/1.png": png(1)})
    (tmp_path / "new.csv").write_text("path\na/1.png\n")
    assert [(m.name, m.label) for m in members(tmp_path / "new.csv")] == [("a/1.png", "")]


def test_a_table_without_the_columns_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,width\n1,2\n")
    with pytest.raises(InputError, match=r"no column 'path' \(it has: id, width\)"):
        members(tmp_path / "labels.csv")


@pytest.mark.parametrize("content", [b"7z\xbc\xaf\x27\x1c" + bytes(600), b"hello", b""])
def test_what_is_no_archive_is_refused_with_what_can_be_given(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pets").write_bytes(content)
    with pytest.raises(InputError, match="give a folder, a ZIP or tar archive, or a CSV"):
        form_of(tmp_path / "pets")


def test_a_damaged_tar_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "pets.tar", "w") as archive:
        for name, content in pets(2).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    content = (tmp_path / "pets.tar").read_bytes()
    (tmp_path / "pets.tar").write_bytes(content[: 512 + 100])
    with pytest.raises(InputError, match=r"pets\.tar is cut off"):
        members(tmp_path / "pets.tar")
