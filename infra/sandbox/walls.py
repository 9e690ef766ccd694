"""The walls around generated code (Linux; x86-64 and ARM64), each put up for good.

landlock   no file by name, no TCP, no signals or abstract sockets to the outside (Linux 5.13 and later)
user       nobody, where this process is root
limits     memory, processor seconds, no new files, no processes, no core
filter     of system calls only those that computing needs: no open, no socket, no process, no signal

Landlock and the filter each close the files by themselves. Whether all this holds is not believed but
tried, see `infra.sandbox.proof`. Source: landlock(7), seccomp(2), getrlimit(2), setresuid(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Collection, Iterator

from infra.forking import die_with
from infra.system_calls import (
    ALLOW,
    ARGUMENTS_AT,
    ERRNO,
    IS,
    LOAD,
    RETURN,
    Step,
    column,
    install,
    limit,
    mapped_bytes,
    no_column,
)

_NOBODY = 65534
_DATA = 5
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_ALL_FILES = ((1, 13), (2, 14), (3, 15), (5, 16))
"""(version of Landlock, number of rights over files that it knows)"""
_ALLOWED = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "close": (3, 57),
    "fstat": (5, 80), "lseek": (8, 62), "poll": (7, None), "ppoll": (271, 73), "select": (23, None),
    "pselect6": (270, 72),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233), "membarrier": (324, 283),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None), "times": (100, 153),
    "futex": (202, 98), "set_robust_list": (273, 99), "rseq": (334, 293),
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174),
    "getgid": (104, 176), "geteuid": (107, 175), "getegid": (108, 177), "uname": (63, 160),
    "getrlimit": (97, 163), "getrusage": (98, 165), "sysinfo": (99, 179), "getrandom": (318, 278),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
"""Name: number on x86-64 and on ARM64, None where there is no such call. Everything else is refused."""
_PRLIMIT = (302, 261)


def raise_walls(
    memory_bytes: int, seconds: int, server: int, without: Collection[str] = ()
) -> tuple[str, ...]:
    """Walls this process in but for those named in `without`; returns, in words, which failed and why.

    `server` is the process that this one dies with.
    """
    missing: list[str] = []
    if "landlock" not in without:
        missing += [f"landlock: {problem}" for problem in _landlock()]
    if "user" not in without:
        missing += [f"user: {problem}" for problem in _become_nobody()]
    # The kernel forgets this when the user changes.
    die_with(server)
    if "limits" not in without:
        missing += [f"limits: {problem}" for problem in _limits(memory_bytes, seconds)]
    if "filter" not in without:
        missing += [f"filter: {problem}" for problem in _filter()]
    return tuple(missing)


def _limits(memory_bytes: int, seconds: int) -> list[str]:
    return limit(
        (
            # Not the address space: torch maps 3.5 GB of it without using it.
            (resource.RLIMIT_DATA, mapped_bytes(_DATA) + memory_bytes),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NOFILE, 0),
            (resource.RLIMIT_NPROC, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_MEMLOCK, 0),
        )
    )


def _landlock() -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return [f"this kernel has no Landlock ({os.strerror(ctypes.get_errno())})"]
    n_rights = max(n for since, n in _ALL_FILES if since <= version)
    # Rights over files; over TCP, bind and connect; out of scope, abstract sockets and signals.
    rules = ((1 << n_rights) - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    told = (ctypes.c_uint64 * 3)(*rules)
    libc.prctl(38, 1, 0, 0, 0)  # no new privileges
    length = 8 if version < 4 else 16 if version < 6 else 24
    rules_file = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(told), length, 0)
    if rules_file < 0:
        return [f"Landlock refuses its rules ({os.strerror(ctypes.get_errno())})"]
    failed = libc.syscall(_LANDLOCK_RESTRICT, rules_file, 0)
    os.close(rules_file)
    return [f"Landlock refuses to hold ({os.strerror(ctypes.get_errno())})"] if failed else []


def _become_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError as error:
        return [f"root cannot become nobody here ({error.strerror})"]
    return []


def _filter() -> list[str]:
    at = column()
    problem = no_column() if at is None else install(_rules(at), at)
    return [problem] if problem else []


def _rules(at: int) -> Iterator[Step]:
    for numbers in _ALLOWED.values():
        if (number := numbers[at]) is not None:
            yield IS, 0, 1, number
            yield RETURN, 0, 0, ALLOW
    # Own limits may be asked for, in the words of prlimit(0, which, no new limit, old limit).
    yield IS, 0, 7, _PRLIMIT[at]
    yield LOAD, 0, 0, ARGUMENTS_AT
    yield IS, 0, 5, 0
    yield LOAD, 0, 0, ARGUMENTS_AT + 16
    yield IS, 0, 3, 0
    yield LOAD, 0, 0, ARGUMENTS_AT + 20
    yield IS, 0, 1, 0
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, ERRNO | errno.EPERM
