"""Addresses as they may be shown."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def masked(text: str) -> str:
    """`text` without the user and password of any URL in it."""
    return _CREDENTIALS.sub("", text)
