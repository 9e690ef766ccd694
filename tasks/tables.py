"""Tables for people: what a spreadsheet would run as a formula is quoted."""

from __future__ import annotations

from typing import Any


def harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
