"""What a reader may not do: it meets files that strangers made, and its libraries have had holes.

Limits on memory and files hold on every POSIX system; on Linux (x86-64, ARM64) the kernel also refuses
sockets, programs, signals to others and any change to files (seccomp). Reading files stays allowed, so this
does not stop a reader that was taken over from reading what its user can read, /proc included; it can tell
nobody but its parent. Source: seccomp(2), getrlimit(2); syscall numbers of Linux's asm/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

MEMORY_BYTES = 2 << 30
"""What a reader may take beyond what it was forked with."""
_MOST_FILES = 256
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _IS, _REACHES, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump if equal, if as large, if a bit is set, return."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


_DENIED = {
    # the network, and whatever carries open files to others
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    # programs and processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "unshare": (272, 97), "setns": (308, 268),
    # other processes
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "kcmp": (312, 272), "setpriority": (141, 140),
    # what files hold and where they are
    "creat": (85, None), "truncate": (76, 45), "unlink": (87, None), "unlinkat": (263, 35),
    "rmdir": (84, None), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "mkdir": (83, None), "mkdirat": (258, 34), "mknod": (133, None), "mknodat": (259, 33), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_by_handle_at": (304, 265),
    # what is written about files
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None), "fchown": (93, 55),
    "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    # memory and queues that outlive their maker, and doors into the kernel
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "memfd_create": (319, 279), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
}  # fmt: skip
"""Name: number on x86-64 and on ARM64, None where there is no such call. Refused whatever they ask for."""
_NEWER = 424
"""From here on both have the same numbers: io_uring (which does the work of refused calls for its caller),
pidfd_send_signal, openat2, fchmodat2 and what is still to come. C libraries go on with older calls where
these do not exist. Above all of them lie the numbers of x32, the same calls once more."""


@dataclass(frozen=True)
class _Calls:
    """Numbers of system calls of one kind of machine."""

    arch: int
    column: int
    """Of `_DENIED`."""
    clone: int
    prlimit: int
    opens: tuple[tuple[int, int], ...]
    """(number, place of its flags)"""

    @property
    def denied(self) -> tuple[int, ...]:
        numbers = (both[self.column] for both in _DENIED.values())
        return tuple(number for number in numbers if number is not None)


_X86_64 = _Calls(0xC000003E, column=0, clone=56, prlimit=302, opens=((2, 1), (257, 2)))
_AARCH64 = _Calls(0xC00000B7, column=1, clone=220, prlimit=261, opens=((56, 2),))
_BY_MACHINE = {"x86_64": _X86_64, "amd64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}


def raise_walls(memory_bytes: int = MEMORY_BYTES) -> tuple[str, ...]:
    """Walls this process in for good; returns, in words, the walls that this system does not have."""
    missing: list[str] = []
    in_use = _address_space()
    for which, most in (
        (resource.RLIMIT_AS, in_use + memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
    ):
        hard = resource.getrlimit(which)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (limit, limit))
        except (OSError, ValueError) as error:
            missing.append(f"limit {which} ({error})")
    calls = _BY_MACHINE.get(platform.machine().lower()) if sys.platform == "linux" else None
    if calls is None:
        return (*missing, f"no filter of system calls for {sys.platform} on {platform.machine()}")
    if problem := _filter(calls):
        missing.append(problem)
    return tuple(missing)


def _address_space() -> int:
    """Bytes that this process has mapped; 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - one line, no path object needed
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _filter(calls: _Calls) -> str:
    """Installs the filter; "" or what went wrong."""
    program = b"".join(struct.pack("HBBI", *step) for step in _program(calls))
    kept = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    told = Program(len(program) // 8, ctypes.cast(kept, ctypes.c_void_p))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(told), 0, 0
    ):
        return f"no filter of system calls ({os.strerror(ctypes.get_errno())})"
    return ""


def _program(calls: _Calls) -> Iterator[tuple[int, int, int, int]]:
    """(instruction, steps to skip if so, if not, value); see seccomp(2)."""
    yield _LOAD, 0, 0, _ARCH_AT
    yield _IS, 1, 0, calls.arch
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER_AT
    for number in calls.denied:
        yield _IS, 0, 1, number
        yield _RETURN, 0, 0, _ERRNO | errno.EPERM
    # clone3 is among them: glibc falls back to clone, whose flags can be seen here.
    yield _REACHES, 0, 1, _NEWER
    yield _RETURN, 0, 0, _ERRNO | errno.ENOSYS
    # Own limits may be asked for; those of others may not be set.
    yield _IS, 0, 4, calls.prlimit
    yield _LOAD, 0, 0, _ARGUMENTS_AT
    yield _IS, 0, 1, 0
    yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _ERRNO | errno.EPERM
    yield _IS, 0, 4, calls.clone
    yield _LOAD, 0, 0, _ARGUMENTS_AT
    yield _HAS, 0, 1, _CLONE_THREAD
    yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _ERRNO | errno.EPERM
    for number, place in calls.opens:
        yield _IS, 0, 4, number
        yield _LOAD, 0, 0, _ARGUMENTS_AT + 8 * place
        yield _HAS, 0, 1, _CHANGES
        yield _RETURN, 0, 0, _ERRNO | errno.EACCES
        yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _ALLOW
