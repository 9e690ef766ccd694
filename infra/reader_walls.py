"""What a reader may not do: it meets files that strangers made, and its libraries have had holes.

Limits on memory and files hold on every POSIX system; on Linux (x86-64, ARM64) the kernel also refuses
sockets, programs, signals to others and any change to files (seccomp). Reading files stays allowed, so this
does not stop a reader that was taken over from reading what its user can read; it can tell nobody but its
parent. Source: seccomp(2), getrlimit(2); syscall numbers of Linux's asm/unistd.h.
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
_LOAD, _IS, _HAS, _RETURN = 0x20, 0x15, 0x45, 0x06
"""Instructions: load a word, jump if equal, jump if a bit is set, return."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class _Calls:
    """Numbers of system calls. `denied` are refused whatever they ask for."""

    arch: int
    denied: tuple[int, ...]
    clone: int
    clone3: int
    opens: tuple[tuple[int, int], ...]
    """(number, place of its flags)"""


_X86_64 = _Calls(
    arch=0xC000003E,
    # socket connect bind listen sendto socketpair, execve execveat fork vfork, ptrace kill, process_vm_writev
    # creat openat2, unlink(at) rename(at)(2) mkdir(at) rmdir (sym)link(at) chmod(at) chown truncate mount
    denied=(
        *(41, 42, 49, 50, 44, 53, 59, 322, 57, 58, 101, 62, 311),
        *(85, 437, 87, 263, 82, 264, 316, 83, 258, 84, 88, 266, 86, 265, 90, 268, 92, 260, 76, 165),
    ),
    clone=56,
    clone3=435,
    opens=((2, 1), (257, 2)),
)
_AARCH64 = _Calls(
    arch=0xC00000B7,
    denied=(
        *(198, 203, 200, 201, 206, 199, 221, 281, 117, 129, 271),
        *(437, 35, 38, 276, 34, 36, 37, 53, 54, 45, 40),
    ),
    clone=220,
    clone3=435,
    opens=((56, 2),),
)
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
    # glibc falls back to clone, whose flags can be seen here.
    yield _IS, 0, 1, calls.clone3
    yield _RETURN, 0, 0, _ERRNO | errno.ENOSYS
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
