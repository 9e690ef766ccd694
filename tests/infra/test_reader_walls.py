"""The walls around readers, tried by a process that has put them up around itself."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from domain.documents.extraction import Limits
from infra.readers import Read, ReaderPool, Refused

ROOT = Path(__file__).parent.parent.parent
TRIES = {
    "open a socket": "import socket; socket.socket()",
    "connect by name": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "write a file": "open({scratch!r} + '/made', 'w')",
    "append to a file": "open({scratch!r} + '/there', 'a')",
    "remove a file": "import os; os.unlink({scratch!r} + '/there')",
    "rename a file": "import os; os.rename({scratch!r} + '/there', {scratch!r} + '/gone')",
    "run a program": "import os; os.execv('/bin/true', ['true'])",
    "fork": "import os; os.fork()",
    "signal another process": "import os; os.kill(os.getppid(), 0)",
    "signal another process by a handle": "import os; os.pidfd_open(os.getppid())",
    "signal another's thread": "import os; called({tgkill}, os.getppid(), os.getppid(), 0)",
    "limit another process": "import os, resource; resource.prlimit(os.getppid(), 7)",
    "change a file's mode": "import os; os.chmod({scratch!r} + '/there', 0o777)",
    "change an open file's mode": "import os; os.chmod(os.open({scratch!r} + '/there', 0), 0o777)",
    "change a file's times": "import os; os.utime({scratch!r} + '/there', (1, 1))",
    "write attributes": "import os; os.setxattr({scratch!r} + '/there', 'user.a', b'b')",
    "make a pipe in a folder": "import os; os.mkfifo({scratch!r} + '/made')",
    "keep memory without a name": "import os; os.memfd_create('kept')",
    "have the kernel do it": "called(425, 8, bytes(256))",
    "call by the numbers of x32": "called(0x40000000 + 41, 2, 1, 0)",
    "take all memory": "bytearray(1 << 30)",
}
TGKILL = {"x86_64": 234}.get(platform.machine(), 131)


def tried(code: str, scratch: Path) -> str:
    program = (
        "import ctypes, os\n"
        "from infra.reader_walls import raise_walls\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def called(*what):\n"
        "    if libc.syscall(*what) < 0:\n"
        "        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))\n"
        "missing = raise_walls(256 << 20)\n"
        "assert not missing, missing\n"
        "try:\n"
        f"    {code.format(scratch=str(scratch), tgkill=TGKILL)}\n"
        "    print('done')\n"
        "except (OSError, MemoryError) as error:\n"
        "    print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux")
@pytest.mark.parametrize("what", TRIES)
def test_a_reader_cannot(what: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    before = there.stat()
    assert tried(TRIES[what], tmp_path) in ("PermissionError", "MemoryError", "OSError")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (there.stat().st_mode, there.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux")
def test_a_reader_can_read_files_and_start_threads(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    assert tried("print(open({scratch!r} + '/there').read())", tmp_path) == "x\ndone"
    code = "import threading; t = threading.Thread(target=print, args=('ran',)); t.start(); t.join()"
    assert tried(code, tmp_path) == "ran\ndone"


def test_a_file_that_takes_more_memory_than_allowed_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    rich, plain = tmp_path / "rich.json", tmp_path / "plain.txt"
    rich.write_text("[" + ",".join(["[]"] * (Limits().max_bytes // 3 - 10)) + "]")
    plain.write_text("Light is scattered by the air.")
    pool = ReaderPool(1, memory_bytes=256 << 20)
    outcomes = pool.read_all([rich, plain])
    pool.stop()
    assert isinstance(outcomes[0], Refused) and "rich.json" in outcomes[0].reason
    assert isinstance(outcomes[1], Read)
