"""The key file: made once, for its owner alone, and never half written."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import InputError
from infra.pseudonym_keys import Key, key_in, read_key


def test_a_missing_key_is_made_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "class.key"
    with key_in(path, tmp_path / "home") as key:
        pseudonym = key.pseudonym("student", "Ada")
        key.also(pseudonym, "ada.txt")
        key.also(pseudonym, "ADA")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).names == {pseudonym: ["Ada", "ada.txt"]}
    with key_in(path, tmp_path / "home") as again:
        assert again.pseudonym("student", "ada") == pseudonym
    assert [entry.name for entry in tmp_path.iterdir()] == ["class.key"]


def test_what_fails_on_the_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "class.key"
    with key_in(path, tmp_path / "home") as key:
        key.pseudonym("student", "Ada")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), key_in(path, tmp_path / "home") as key:
        key.pseudonym("student", "Ben")
        raise ZeroDivisionError
    assert path.read_bytes() == before


def test_two_students_with_the_same_first_digits_get_longer_pseudonyms() -> None:
    key = Key(b"s" * 32, {})
    first = key.pseudonym("student", "Ada")
    key.names[first] = ["Somebody else"]
    longer = key.pseudonym("student", "Ada")
    assert longer.startswith(first) and len(longer) == len(first) + 4
    assert key.pseudonym("student", "Ada") == longer


def test_runs_at_once_lose_no_name(tmp_path: Path) -> None:
    path = tmp_path / "class.key"

    def name(n: int) -> None:
        with key_in(path, tmp_path / "home") as key:
            key.pseudonym("student", f"student number {n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(name, range(24)))
    assert len(read_key(path).names) == 24


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "class.key"
    with key_in(path, tmp_path / "home"):
        pass
    path.chmod(mode)
    with pytest.raises(InputError, match=r"run chmod 600 on it"):
        read_key(path)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", json.dumps({"version": 2, "secret": "00" * 32, "names": {}}), "\x00"]
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "class.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="is no key file of Trainyard"):
        read_key(path)


def test_a_key_says_nothing_of_itself_in_a_message() -> None:
    assert "Ada" not in repr(Key(b"s" * 32, {"student-1": ["Ada"]}))
