"""What a reader may not do: it meets files that strangers made, and its libraries have had holes.

Limits on memory and files hold on every POSIX system; on Linux (x86-64, ARM64) the kernel also refuses
sockets, programs, signals to others and any change to files (seccomp). Reading files stays allowed, so this
does not stop a reader that was taken over from reading what its user can read, /proc included; it can tell
nobody but its parent. Source: seccomp(2), getrlimit(2); syscall numbers of Linux's asm/unistd.h.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator

from infra.system_calls import (
    ALLOW,
    ARGUMENTS_AT,
    ERRNO,
    HAS,
    IS,
    LOAD,
    REACHES,
    RETURN,
    Step,
    column,
    install,
    limit,
    mapped_bytes,
    no_column,
)

MEMORY_BYTES = 2 << 30
"""What a reader may take beyond what it was forked with."""
_MOST_FILES = 256
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
_CLONE, _PRLIMIT = (56, 220), (302, 261)
_OPENS = (((2, 1), (257, 2)), ((56, 2),))
"""For each kind of machine: (number, place of its flags)."""


def raise_walls(memory_bytes: int = MEMORY_BYTES) -> tuple[str, ...]:
    """Walls this process in for good; returns, in words, the walls that this system does not have."""
    missing = limit(
        (
            (resource.RLIMIT_AS, mapped_bytes() + memory_bytes),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, _MOST_FILES),
        )
    )
    at = column()
    if at is None:
        return (*missing, no_column())
    if problem := install(_rules(at), at):
        missing.append(problem)
    return tuple(missing)


def _rules(at: int) -> Iterator[Step]:
    for numbers in _DENIED.values():
        if (number := numbers[at]) is not None:
            yield IS, 0, 1, number
            yield RETURN, 0, 0, ERRNO | errno.EPERM
    # clone3 is among them: glibc falls back to clone, whose flags can be seen here.
    yield REACHES, 0, 1, _NEWER
    yield RETURN, 0, 0, ERRNO | errno.ENOSYS
    # Own limits may be asked for; those of others may not be set.
    yield IS, 0, 4, _PRLIMIT[at]
    yield LOAD, 0, 0, ARGUMENTS_AT
    yield IS, 0, 1, 0
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, ERRNO | errno.EPERM
    yield IS, 0, 4, _CLONE[at]
    yield LOAD, 0, 0, ARGUMENTS_AT
    yield HAS, 0, 1, _CLONE_THREAD
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, ERRNO | errno.EPERM
    for number, place in _OPENS[at]:
        yield IS, 0, 4, number
        yield LOAD, 0, 0, ARGUMENTS_AT + 8 * place
        yield HAS, 0, 1, _CHANGES
        yield RETURN, 0, 0, ERRNO | errno.EACCES
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, ALLOW
