import threading
from pathlib import Path

import psutil
import pytest

from infra.readers import Read, ReaderPool, Refused, reader_pool


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{n}.txt" for n in range(60)]
    for n, path in enumerate(paths):
        path.write_text(f"Paper number {n} says that light is scattered by the air.")
    return paths


def test_files_are_read_in_their_order(texts: list[Path]) -> None:
    pool, seen = ReaderPool(2), []
    outcomes = pool.read_all(texts, lambda: seen.append(1))
    pool.stop()
    assert [isinstance(o, Read) and f"number {n} " in o.extraction.text for n, o in enumerate(outcomes)] == [
        True
    ] * 60
    assert len(seen) == 60


def test_a_file_that_cannot_be_read_is_refused_and_the_rest_is_read(texts: list[Path]) -> None:
    texts[5].write_bytes(b"")
    pool = ReaderPool(2)
    outcomes = pool.read_all(texts)
    pool.stop()
    assert [n for n, o in enumerate(outcomes) if isinstance(o, Refused)] == [5]


def test_a_reader_that_dies_costs_one_file(texts: list[Path]) -> None:
    pool = ReaderPool(1)
    killed = []

    def kill_once() -> None:
        if not killed:
            (child,) = psutil.Process().children()
            child.kill()
            killed.append(child.pid)

    outcomes = pool.read_all(texts, kill_once)
    pool.stop()
    refused = [o for o in outcomes if isinstance(o, Refused)]
    assert len(refused) <= 1
    assert len(outcomes) == 60
    for n, o in enumerate(outcomes):
        assert isinstance(o, Refused) or f"number {n} " in o.extraction.text


def test_a_file_that_takes_too_long_is_refused(texts: list[Path]) -> None:
    pool = ReaderPool(1, seconds=0.01)
    (outcome,) = pool.read_all(texts[:1])
    pool.stop()
    assert isinstance(outcome, Refused) and "took more than" in outcome.reason


def test_an_interrupted_call_leaves_no_answers_for_the_next(texts: list[Path]) -> None:
    pool = ReaderPool(1)

    def stop() -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError):
        pool.read_all(texts[:10], stop)
    (outcome,) = pool.read_all(texts[30:31])
    pool.stop()
    assert isinstance(outcome, Read) and "number 30 " in outcome.extraction.text


def test_two_threads_that_ask_at_once_share_one_pool() -> None:
    got = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        got.append(reader_pool(3))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len({id(p) for p in got}) == 1
