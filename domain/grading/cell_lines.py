"""Lines of a table's cell: a narrow one cuts an entry in two, which must be whole to be a marking point."""

from __future__ import annotations

import re

BULLET = re.compile(r"^\s*(?:[-*•–—·▪◦‣●■✓✔]|\d{1,2}[.)])\s+")
_ENDED = (";", "; ✓")


def unwrapped(cell: str) -> str:
    """The cell with one entry a line, where bullets or semicolons tell where entries begin or end.

    Without such signs the lines stay as they are: short entries without any are as common as long ones cut.
    """
    lines = [line.strip() for line in cell.splitlines() if line.strip()]
    bulleted = sum(BULLET.match(line) is not None for line in lines)
    ended = sum(line.endswith(_ENDED) for line in lines)
    if bulleted > 1 or (bulleted == 1 and len(lines) > 1):
        return "\n".join(_by_bullets(lines))
    return "\n".join(_by_ends(lines)) if ended > 1 else "\n".join(lines)


def _by_bullets(lines: list[str]) -> list[str]:
    entries: list[str] = []
    open_entry = False
    for line in lines:
        if BULLET.match(line):
            entries.append(line)
            open_entry = True
        elif open_entry and not line.endswith(":"):
            entries[-1] = f"{entries[-1]} {line}"
        else:
            entries.append(line)
            open_entry = False
    return entries


def _by_ends(lines: list[str]) -> list[str]:
    entries: list[str] = []
    ended = True
    for line in lines:
        if ended:
            entries.append(line)
        else:
            entries[-1] = f"{entries[-1]} {line}"
        ended = line.endswith((*_ENDED, ":"))
    return entries
