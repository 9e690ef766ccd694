import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

from domain.errors import OutsideError
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


def once(action: Callable[[], object]) -> Callable[[], None]:
    done = []

    def act() -> None:
        if not done:
            done.append(True)
            action()

    return act


def server_of(pool: ReaderPool) -> psutil.Process:
    # Other tests of this process may have a pool of their own.
    assert pool._crew.server._process
    return psutil.Process(pool._crew.server._process.pid)


def ended(processes: Iterable[psutil.Process], seconds: float = 10) -> bool:
    def runs(process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return process.status() != psutil.STATUS_ZOMBIE
        return False

    deadline = time.monotonic() + seconds
    processes = list(processes)
    while any(map(runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(runs, processes))


def test_a_reader_that_was_killed_by_chance_costs_no_file(texts: list[Path]) -> None:
    pool = ReaderPool(1)
    killed = []

    def kill() -> None:
        (reader,) = server_of(pool).children()
        reader.kill()
        killed.append(reader)

    outcomes = pool.read_all(texts, once(kill))
    (reader,) = server_of(pool).children()
    pool.stop()
    assert killed and reader not in killed
    assert all(isinstance(o, Read) and f"number {n} " in o.extraction.text for n, o in enumerate(outcomes))


def test_a_file_that_kills_its_readers_is_refused_and_the_rest_is_read(texts: list[Path]) -> None:
    pool = ReaderPool(1)
    texts[20].unlink()
    os.mkfifo(texts[20])
    done = threading.Event()

    def kill_who_opens_it() -> None:
        while not done.is_set():
            # Opens only once a reader waits at the other end.
            with contextlib.suppress(OSError):
                end = os.open(texts[20], os.O_WRONLY | os.O_NONBLOCK)
                for reader in server_of(pool).children():
                    reader.kill()
                os.close(end)
            time.sleep(0.01)

    killer = threading.Thread(target=kill_who_opens_it)
    killer.start()
    outcomes = pool.read_all(texts)
    done.set()
    killer.join()
    pool.stop()
    assert [n for n, o in enumerate(outcomes) if isinstance(o, Refused)] == [20]
    assert "20.txt made its reader fail" in outcomes[20].reason


def test_a_server_that_was_killed_is_started_again_and_costs_no_file(texts: list[Path]) -> None:
    pool = ReaderPool(2)
    family = []

    def kill() -> None:
        server = server_of(pool)
        family.extend([server, *server.children()])
        server.kill()

    outcomes = pool.read_all(texts, once(kill))
    assert ended(family), "readers outlived the server that was killed"
    pool.stop()
    assert all(isinstance(o, Read) and f"number {n} " in o.extraction.text for n, o in enumerate(outcomes))


def test_no_process_is_left_when_the_one_that_reads_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.txt")
    (tmp_path / "short.txt").write_text("A stone falls.")
    program = (
        "import sys; from pathlib import Path; from infra.readers import ReaderPool\n"
        "pool = ReaderPool(2); pool.read_all([Path(sys.argv[1])]); print('read', flush=True)\n"
        "pool.read_all([Path(sys.argv[2])])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "short.txt"), str(tmp_path / "endless.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout and parent.stdout.readline() == b"read\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert len(family) == 2, "a server and a reader that is busy"
    assert ended(family)


def test_no_process_is_left_when_a_pool_stops(texts: list[Path]) -> None:
    pool = ReaderPool(2)
    pool.read_all(texts)
    family = [server_of(pool), *server_of(pool).children()]
    pool.stop()
    assert len(family) >= 2 and ended(family, 0)


def test_a_file_that_takes_too_long_is_refused_and_the_rest_is_read(texts: list[Path]) -> None:
    texts[3].unlink()
    os.mkfifo(texts[3])
    pool = ReaderPool(1, seconds=0.5)
    outcomes = pool.read_all(texts[:6])
    pool.stop()
    assert [n for n, o in enumerate(outcomes) if isinstance(o, Refused)] == [3]
    assert "3.txt took more than" in outcomes[3].reason


def test_readers_that_do_not_start_are_told_of(texts: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = ReaderPool(1)
    with pytest.raises(OutsideError, match="do not start"):
        pool.read_all(texts)
    pool.stop()


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


def test_readers_are_given_none_of_our_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_OPENAI_API_KEY", "sk-marked-do-not-tell")
    (tmp_path / "a.txt").write_text("Leaves take in light.")
    pool = ReaderPool(1)
    pool.read_all([tmp_path / "a.txt"])
    family = [p for child in psutil.Process().children() for p in (child, *child.children())]
    readers = [p for p in family if any("reader_server" in word for word in p.cmdline())]
    assert readers
    assert not any("sk-marked" in value for p in readers for value in p.environ().values())
    pool.stop()
