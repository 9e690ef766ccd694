"""What generated code must not be able to do (`properties`): the walled process tries it before it gets code.

Each try is what an attacker would do first. One that succeeds names the property that this system lacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import platform
import resource
import socket
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

_KEPT_VARIABLES = frozenset(
    {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LD_LIBRARY_PATH", "LC_CTYPE"}
)
_PTRACE_SEIZE = 0x4206
"""Unlike to attach, it does not stop the other process where it succeeds."""
_EXECVEAT = {"x86_64": 322, "amd64": 322}


def lacking(descriptor: int, server: int) -> dict[str, str]:
    """Property: the try that succeeded, of those that this process lacks. `descriptor` is its only file."""
    found: dict[str, str] = {}
    for name, tries in _tries(descriptor, server).items():
        for what, attempt in tries.items():
            if _succeeds(attempt):
                found.setdefault(name, what)
    return found


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        # A try says False where it could not, or raises.
        return attempt() is not False
    except (OSError, ValueError, MemoryError):
        return False


def _tries(descriptor: int, server: int) -> dict[str, dict[str, Callable[[], object]]]:
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "reading": {
            "open /etc/passwd": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
            "open /proc/self/environ": lambda: os.close(os.open("/proc/self/environ", os.O_RDONLY)),
            "list /": lambda: next(Path("/").iterdir()),
        },
        "writing": {
            "make a file in /tmp": lambda: _make(Path("/tmp") / f"sandbox-{os.getpid()}"),  # noqa: S108
            "make a file in /dev/shm": lambda: _make(Path("/dev/shm") / f"sandbox-{os.getpid()}"),  # noqa: S108
            "make a folder": lambda: _make_folder(Path("/tmp") / f"sandbox-{os.getpid()}-folder"),  # noqa: S108
        },
        "network": {
            "a TCP socket": lambda: _connect(socket.AF_INET, socket.SOCK_STREAM),
            "a UDP socket": lambda: _connect(socket.AF_INET, socket.SOCK_DGRAM),
            "a Unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
            "a pair of sockets": socket.socketpair,
        },
        "processes": {
            "fork": lambda: _fork(libc),
            "exec": lambda: (
                libc.syscall(_EXECVEAT.get(platform.machine().lower(), 281), -1, b"", None, None, 0x1000) == 0
                or ctypes.get_errno() not in (1, 13)
            ),
        },
        "signals": {
            "signal the server": lambda: os.kill(server, 0),
            "signal a parent's group": lambda: os.killpg(os.getpgid(server), 0),
            "trace the server": lambda: libc.ptrace(_PTRACE_SEIZE, server, 0, 0) == 0,
        },
        "bounds": {
            "raise the limit of files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
            "raise the limit of memory": lambda: resource.setrlimit(
                resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            ),
            "no limit of memory": lambda: (
                resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
            ),
            "no limit of seconds": lambda: (
                resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY
            ),
            "take 64 GB": lambda: mmap.mmap(-1, 64 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close(),
        },
        "root": {"the user is root": lambda: os.geteuid() == 0 or os.getuid() == 0},
        "descriptors": {f"file {n}": partial(_open_file, n) for n in range(64) if n != descriptor},
        "environment": {
            "a variable": lambda: bool(set(os.environ) - _KEPT_VARIABLES),
        },
    }


def _make(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    with contextlib.suppress(OSError):
        path.unlink()


def _make_folder(path: Path) -> None:
    path.mkdir()
    with contextlib.suppress(OSError):
        path.rmdir()


def _connect(family: int, kind: int) -> bool:
    with socket.socket(family, kind) as made:
        made.settimeout(0.2)
        # Nobody listens there: refused is as good as answered, both came through the wall.
        return made.connect_ex(("127.0.0.1", 9)) in (0, 111)


def _fork(libc: ctypes.CDLL) -> bool:
    # Not os.fork: it runs what libraries registered, such as torch's thread pools.
    child = libc.fork()
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    return bool(child > 0)


def _open_file(number: int) -> bool:
    # Where standard input, output and errors go nothing is kept.
    return not stat.S_ISCHR(os.fstat(number).st_mode) or number > 2
