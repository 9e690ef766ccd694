"""Characters of the fonts Symbol and Wingdings, which PDFs and Word files give as private-use code points.

A font without Unicode places its glyph 0xB4 at U+F0B4. The table is Adobe's for Symbol
(unicode.org/Public/MAPPINGS/VENDORS/ADOBE/symbol.txt); Wingdings' bullets and tick take the places of
Symbol's card suits, its ¬ and its upper brace, which guides hardly ever hold.
"""

from __future__ import annotations

_FIRST = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)  # fmt: skip
_SECOND = (
    "€ϒ′≤⁄∞ƒ▪♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅‣∧∨⇔⇐⇑⇒⇓"
    "◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪⌘〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)  # fmt: skip
_FROM, _SECOND_FROM = 0xF020, 0xF0A0
_SYMBOLS = {_FROM + at: character for at, character in enumerate(_FIRST)} | {
    _SECOND_FROM + at: character for at, character in enumerate(_SECOND)
}
_TICK, _BRACE_PARTS = 0xF0FC, ("\uf0fd", "\uf0fe")
_WITH_TICK = _SYMBOLS | {_TICK: "✓"}


def mapped(text: str) -> str:
    """`text` with the characters that these fonts show. Of as many characters."""
    if not any("\uf020" <= character <= "\uf0fe" for character in set(text)):
        return text
    return text.translate(_SYMBOLS if any(part in text for part in _BRACE_PARTS) else _WITH_TICK)
