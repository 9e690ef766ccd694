"""How much a text looks like text: the figure that sends a PDF to its fallback.

quality = clean × letters × shape, each in [0, 1]:

- clean = 1 − 4 × (share of characters that no author typed: U+FFFD, controls, private use,
  surrogates, and the whole of each "(cid:12)"); a quarter of such characters is worth nothing
- letters = min(1, share of letters and digits among what is not blank / 0.6)
- shape = min(1, share of words shaped like words / 0.7): letters in one case (a capital may lead) or
  digits or both, at most 30 long, and not a lone small letter ("H e l l o" is a broken PDF). A text in a
  script without blanks (Chinese, Japanese, Thai) counts as well shaped.

Long texts are judged by five slices of 4,000 characters, so the cost is bounded (about 2 ms).
"""

from __future__ import annotations

import re

_SLICE, _N_SLICES = 4000, 5
# What is left out of the private use are the characters of the fonts Symbol and Wingdings, which can be read.
_SUSPECT = re.compile(
    "\\(cid:\\d+\\)|[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]"
    "|[\ue000-\uf01f\uf0ff-\uf8ff\U000f0000-\U0010ffff]"
)
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def quality_of(text: str) -> float:
    """Quality in [0, 1], rounded to three digits; 0 for a text of only blanks."""
    sample = _sample(text)
    n_visible = len("".join(sample.split()))
    if n_visible == 0:
        return 0.0
    n_suspect = sum(len(found) for found in _SUSPECT.findall(sample))
    clean = max(0.0, 1 - 4 * n_suspect / n_visible)
    letters = min(1.0, sum(map(str.isalnum, sample)) / n_visible / 0.6)
    return round(clean * letters * _shape(sample), 3)


def _sample(text: str) -> str:
    if len(text) <= _SLICE * _N_SLICES:
        return text
    step = (len(text) - _SLICE) // (_N_SLICES - 1)
    return "\n".join(text[start : start + _SLICE] for start in range(0, step * _N_SLICES, step))


def _shape(sample: str) -> float:
    if len(_UNSPACED.findall(sample)) > 0.2 * len(sample):
        return 1.0
    words = _WORD.findall(sample)
    if not words:
        return 0.0
    return min(1.0, sum(map(_is_shaped, words)) / len(words) / 0.7)


def _is_shaped(word: str) -> bool:
    if len(word) == 1:
        return word.isdigit() or word.isupper() or word in "aio"
    if len(word) > 30:
        return False
    return word[1:].islower() or word.isupper() or not word.isalpha()
