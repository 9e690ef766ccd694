"""Why an answer got its score, said from what was computed."""

from __future__ import annotations

import re

from strategies.grading.features import Reference
from strategies.grading.text import stems, words

_LONG = 60
_SMALL_WORDS = frozenset(
    "with from that this these they them their have been will would than then when which into also because "  # noqa: SIM905
    "there where what such some only more most very eine einen einer einem wird werden sind dass oder aber "
    "auch nicht sich nach beim dann wenn kann muss soll sollen durch über".split()
)


def rationale(text: str, reference: Reference, nearest: str) -> str:
    """One or two sentences: what of the guide the answer has and lacks, and the nearest graded answer."""
    said = set(stems(text))
    parts = _of_points(said, reference) if len(reference.points) > 1 else _of_key_words(said, reference)
    return f"{parts}. {nearest}".strip()


def _of_points(said: set[str], reference: Reference) -> str:
    asked = set(stems(reference.question))
    met: list[str] = []
    missed: list[str] = []
    for point in reference.points:
        wanted = {stem for stem in stems(point) if len(stem) > 3} - asked or set(stems(point))
        (met if len(wanted & said) * 2 >= len(wanted) else missed).append(_shown(point))
    found = f"Has the words of {len(met)} of {len(reference.points)} marking points"
    return f"{found}; not of {_listed(missed)}" if missed else found


def _of_key_words(said: set[str], reference: Reference) -> str:
    asked = set(stems(reference.question))
    keys = dict.fromkeys(w for w in words(reference.answers[0]) if _tells(w))
    new = [w for w in keys if not set(stems(w)) <= asked] or list(keys)
    met = [w for w in new if set(stems(w)) <= said]
    missed = [w for w in new if w not in met]
    found = f"Has {_listed(met)} of the model answer" if met else "Has no key word of the model answer"
    return f"{found}; lacks {_listed(missed)}" if missed and met else found


def _tells(word: str) -> bool:
    return word.isdigit() or (len(word) > 3 and word not in _SMALL_WORDS)


def _listed(parts: list[str], most: int = 4) -> str:
    shown = ", ".join(f"“{part}”" for part in parts[:most])
    return f"{shown} and {len(parts) - most} more" if len(parts) > most else shown


def _shown(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= _LONG else text[: _LONG - 1].rsplit(" ", 1)[0] + "…"
