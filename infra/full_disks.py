"""Whether an error means that a disk is full, whoever raised it: waiting does not help, someone has to."""

from __future__ import annotations

import errno

_SAID = ("disk is full", "No space left on device", "Disk quota exceeded", "could not extend file")


def is_full(error: BaseException) -> bool:
    """By the error's number or words, or those of what it was raised from."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if any(words in str(error) for words in _SAID):
        return True
    return error.__cause__ is not None and is_full(error.__cause__)
