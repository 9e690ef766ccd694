import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from domain.errors import InputError, OutsideError
from domain.vision.images import Shape, decode
from domain.vision.records import Member
from infra.picture_readers import PicturePool, Seen, Unseen
from tests.data.pictures import pets, png, spread, zipped

SHAPE = Shape(24, 3)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zipped(tmp_path / "pets.zip", pets(300))


def members(pool: PicturePool, path: Path) -> list[Member]:
    return [one for one in pool.list_archive(path) if isinstance(one, Member)]


def test_pictures_are_decoded_in_their_order(archive: Path) -> None:
    pool, done = PicturePool(2), []
    found = members(pool, archive)
    outcomes = list(pool.decode(archive, found, SHAPE, done.append))
    pool.stop()
    contents = pets(300)
    assert len(found) == sum(done) == 600
    for member, outcome in zip(found, outcomes, strict=True):
        assert isinstance(outcome, Seen)
        assert outcome.points == decode(contents[member.name], SHAPE).points


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_decoded(tmp_path: Path) -> None:
    path = zipped(tmp_path / "pets.zip", {**pets(3), "dog/bad.png": png(1)[:60], "dog/page.png": b"<html>"})
    pool = PicturePool(1)
    found = members(pool, path)
    outcomes = list(pool.decode(path, found, SHAPE))
    pool.stop()
    unseen = {m.name: o.reason for m, o in zip(found, outcomes, strict=True) if isinstance(o, Unseen)}
    assert set(unseen) == {"dog/bad.png", "dog/page.png"}


def once(action: Callable[[], object]) -> Callable[[int], None]:
    done = []

    def act(_: int) -> None:
        if not done:
            done.append(True)
            action()

    return act


def test_readers_that_were_killed_by_chance_cost_no_picture(archive: Path) -> None:
    pool = PicturePool(1)
    found = members(pool, archive)

    def kill() -> None:
        process = pool._crew.server._process
        assert process
        for child in psutil.Process(process.pid).children():
            child.kill()

    outcomes = list(pool.decode(archive, found, SHAPE, once(kill)))
    pool.stop()
    assert all(isinstance(outcome, Seen) for outcome in outcomes)


def test_a_picture_that_takes_too_long_is_told_and_its_neighbours_are_decoded(tmp_path: Path) -> None:
    folder = spread(tmp_path / "pets", pets(2))
    pool = PicturePool(1, seconds=0.5)
    found = members(pool, folder)
    os.mkfifo(folder / "cat" / "slow.png")
    slow = Member("cat/slow.png", size_bytes=9)
    outcomes = list(pool.decode(folder, [found[0], slow, *found[1:]], SHAPE))
    pool.stop()
    assert [type(outcome) for outcome in outcomes] == [Seen, Unseen, Seen, Seen, Seen]
    assert "took more than" in outcomes[1].reason


def test_an_archive_that_is_refused_says_why_and_the_pool_goes_on(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(archive.read_bytes()[:5000])
    pool = PicturePool(1)
    with pytest.raises(InputError, match=r"bad\.zip is cut off"):
        members(pool, tmp_path / "bad.zip")
    assert len(members(pool, archive)) == 600
    pool.stop()


def test_decoding_that_is_given_up_leaves_no_answers_for_the_next(archive: Path) -> None:
    pool = PicturePool(1)
    found = members(pool, archive)
    given_up = pool.decode(archive, found, SHAPE)
    first = next(given_up)
    given_up.close()
    assert next(pool.decode(archive, found, SHAPE)) == first
    pool.stop()


def test_readers_that_do_not_start_are_told_of(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = PicturePool(1)
    with pytest.raises(OutsideError, match="do not start"):
        members(pool, archive)
    pool.stop()
