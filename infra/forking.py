"""The inside of a fork server: a program warmed once, from which new processes cost milliseconds.

Its input is a socket. `FORK` with a number and a socket makes a child that serves this socket, `KILL` with
the number ends it, whatever it has started, and forgets it. When the input closes, because its user
stopped or died however it did, all children are killed, busy or not; when this program itself is killed,
the kernel kills them (Linux; elsewhere an idle child ends when its socket closes). `infra.fork_server` is
the other end.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

FORK, KILL = b"f", b"k"
MESSAGE = struct.Struct("!cI")
_PR_SET_PDEATHSIG = 1


def serve_forks(warm_up: Callable[[], None], child: Callable[[int, int], None]) -> None:
    """Serves until the input closes; `child` is called in each child with its socket and the server's id."""
    # Ctrl-C is for the process that asked; a child that died of it would look like a bad file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    warm_up()
    # What is here now is never collected, so that collecting does not copy the pages that are shared.
    gc.collect()
    gc.freeze()
    children: dict[int, int] = {}
    while True:
        message, sockets, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
        if not message:
            break
        what, number = MESSAGE.unpack(message)
        if what == FORK:
            children[number] = _fork(control, sockets[0], child)
        elif number in children:
            # Only here are children waited for, so the number of the process is still this child's.
            _kill(children.pop(number))
    for pid in children.values():
        _kill(pid)


def _fork(control: socket.socket, serving: int, child: Callable[[int, int], None]) -> int:
    """The child's process id. In the child itself it does not return."""
    server = os.getpid()
    if pid := os.fork():
        # In both, so that the group is there whoever is first.
        os.setpgid(pid, pid)
        os.close(serving)
        return pid
    try:
        os.setpgid(0, 0)
        control.close()
        die_with(server)
        child(serving, server)
    finally:
        os._exit(0)


def die_with(server: int) -> None:
    """Has the kernel kill this process when `server` ends. Forgotten when the user changes: ask again."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)


def _kill(pid: int) -> None:
    # The child alone as well, in case it had no group of its own yet.
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            end(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
