"""Filters that have the kernel refuse system calls to this process (Linux; x86-64 and ARM64).

What is refused is the caller's business, see `infra.reader_walls` and `infra.sandbox.walls`; here is how a
filter is written and installed. Source: seccomp(2), linux/filter.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable, Iterator

Step = tuple[int, int, int, int]
"""(instruction, steps to skip if so, if not, value)"""

LOAD, IS, REACHES, HAS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump if equal, if as large, if a bit is set, return."""
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_COLUMNS = {"x86_64": 0, "amd64": 0, "aarch64": 1, "arm64": 1}
_ARCHITECTURES = (0xC000003E, 0xC00000B7)


def column() -> int | None:
    """Where this machine's numbers stand in (x86-64, ARM64); None where filters are not known."""
    return _COLUMNS.get(platform.machine().lower()) if sys.platform == "linux" else None


def no_column() -> str:
    return f"no filter of system calls for {sys.platform} on {platform.machine()}"


def install(rules: Iterable[Step], at: int) -> str:
    """Installs a filter for good: `rules` begin with the call's number loaded; "" or what went wrong.

    `at` is this machine's `column`. Calls by the conventions of another architecture kill the process.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _program(rules, at))
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


def _program(rules: Iterable[Step], at: int) -> Iterator[Step]:
    yield LOAD, 0, 0, ARCH_AT
    yield IS, 1, 0, _ARCHITECTURES[at]
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, NUMBER_AT
    yield from rules


def limit(limits: Iterable[tuple[int, int]]) -> list[str]:
    """Lowers (resource, most) for good, never above what is allowed now; returns, in words, what failed."""
    missing: list[str] = []
    for which, most in limits:
        hard = resource.getrlimit(which)[1]
        lowered = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (lowered, lowered))
        except (OSError, ValueError) as error:
            missing.append(f"limit {which} ({error})")
    return missing


def mapped_bytes(part: int = 0) -> int:
    """Bytes that this process has mapped, or of `part` 5 its data; 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - one line, no path object needed
            return int(file.read().split()[part]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0
