"""The language of a text, offline (py3langid: 97 languages, naive Bayes over byte n-grams)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

UNDETERMINED = "und"
_MAX_CHARS = 1000
_MIN_LETTERS = 20
_MIN_CONFIDENCE = 0.5
_LETTERS = re.compile(r"[^\W\d_]+")


@cache
def _identifier() -> Any:
    # 0.5 s and 40 MB, once a process: the model is unpacked from LZMA.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language_of(text: str) -> str:
    """ISO 639-1 code, or "und" where the text is too short or too mixed to tell.

    Judged by the words (no digits, no signs) of the first 1,000 characters.
    """
    words = _LETTERS.findall(text[:_MAX_CHARS])
    sample = " ".join(words)
    if len(sample) - len(words) + 1 < _MIN_LETTERS:
        return UNDETERMINED
    code, confidence = _identifier().classify(sample)
    # Three-letter codes (Egyptian Arabic, Asturian, ...) have no ISO 639-1 form.
    return str(code) if confidence >= _MIN_CONFIDENCE and len(code) == 2 else UNDETERMINED
