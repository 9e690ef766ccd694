"""The program that readers are forked from: warmed once, then a new reader costs milliseconds.

Its input is a socket. `FORK` with a number and a socket makes a reader that serves this socket, `KILL`
with the number ends it and forgets it. A reader walls itself in (`infra.reader_walls`) before its first
file. When the input closes, because the pool stopped or its process died however it did, all readers are
killed, busy or not; when this program itself is killed, the kernel kills them (Linux; elsewhere an idle
reader ends when its socket closes).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from domain.documents.reader import serve, warm_up
from infra.reader_walls import MEMORY_BYTES, raise_walls

FORK, KILL = b"f", b"k"
MESSAGE = struct.Struct("!cI")
READY = "ready "
"""How a reader's first line begins; the walls that its system does not have follow, as JSON."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    # Ctrl-C is for the process that reads for someone; a reader that died of it would look like a bad file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    memory_bytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY_BYTES
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    warm_up()
    # What is here now is never collected, so that collecting does not copy the pages that are shared.
    gc.collect()
    gc.freeze()
    readers: dict[int, int] = {}
    while True:
        message, sockets, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
        if not message:
            break
        what, number = MESSAGE.unpack(message)
        if what == FORK:
            readers[number] = _fork(control, sockets[0], memory_bytes)
        elif number in readers:
            # Only here are readers waited for, so the number of the process is still this reader's.
            _kill(readers.pop(number))
    for pid in readers.values():
        _kill(pid)


def _fork(control: socket.socket, serving: int, memory_bytes: int) -> int:
    """The reader's process id. In the reader itself it does not return."""
    server = os.getpid()
    if pid := os.fork():
        os.close(serving)
        return pid
    try:
        control.close()
        _die_with(server)
        with os.fdopen(serving) as requests, os.fdopen(os.dup(serving), "w") as replies:
            missing = raise_walls(memory_bytes)
            replies.write(f"{READY}{json.dumps(missing)}\n")
            replies.flush()
            serve(requests, replies)
    finally:
        os._exit(0)


def _die_with(server: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
