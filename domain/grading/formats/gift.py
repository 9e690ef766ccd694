"""GIFT: `::title:: text { =right ~wrong }` (docs.moodle.org, "GIFT format"), and Aiken: options and ANSWER.

Neither says what a question is worth; where they are imported, each is worth 1 mark, and so it is here.
"""

from __future__ import annotations

import re

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.formats.markup import text_of_html

_BLOCK = re.compile(r"(?<!\\)\{(?P<inside>(?:[^{}\\]|\\.){0,5000})(?<!\\)\}", re.DOTALL)
_TITLE = re.compile(r"^\s*::(?P<title>(?:[^:\\]|\\.|:(?!:)){0,300})::")
_MARKUP = re.compile(r"^\s*\[(?:html|moodle|plain|markdown)\]", re.IGNORECASE)
_CHOICE = re.compile(
    r"(?<!\\)(?P<sign>[=~])(?:%(?P<share>-?\d{1,3}(?:\.\d{1,5})?)%)?(?P<text>(?:[^=~\\]|\\.){0,2000})"
)
_FEEDBACK = re.compile(r"(?<!\\)#.*$", re.DOTALL)
_ESCAPED = re.compile(r"\\([~=#{}:\\])")
_TRUE = re.compile(r"^\s*(?P<said>T|TRUE|F|FALSE)\s*(?:#.*)?$", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(r"^\s*(?P<letter>[A-Z])[.)]\s+(?P<text>\S.*)$")
_ANSWER = re.compile(r"^\s*ANSWER\s*:\s*(?P<letter>[A-Z])\s*$")
_WORTH = 1.0


def is_gift(text: str) -> bool:
    """Whether most blocks of the text hold answers in braces."""
    blocks = _blocks(text)
    held = sum(1 for block in blocks if (found := _BLOCK.search(block)) and _is_answers(found["inside"]))
    return bool(blocks) and held >= 0.6 * len(blocks)


def read_gift(text: str) -> Candidate:
    """One item a question; without a title it is numbered alone."""
    drafts: list[Draft] = []
    for block in _blocks(text):
        found = _BLOCK.search(block)
        if found:
            drafts.append(_draft(block, found, len(drafts) + 1))
    return Candidate("", tuple(drafts))


def is_aiken(text: str) -> bool:
    """Whether the text has at least one line "ANSWER: B" below options."""
    lines = text.splitlines()
    return any(_ANSWER.match(line) for line in lines) and any(_OPTION.match(line) for line in lines)


def read_aiken(text: str) -> Candidate:
    """One item an ANSWER line."""
    drafts: list[Draft] = []
    asked: list[str] = []
    options: dict[str, str] = {}
    for i, line in enumerate(text.splitlines(), 1):
        option, answer = _OPTION.match(line), _ANSWER.match(line)
        if answer:
            number = str(len(drafts) + 1)
            wrong = tuple(told for letter, told in options.items() if letter != answer["letter"])
            drafts.append(
                Draft(
                    number=number,
                    levels=(number,),
                    place=f"line {i}",
                    question="\n".join([*asked, *(f"{k}. {v}" for k, v in options.items())]).strip(),
                    answer=options.get(answer["letter"], ""),
                    marks=(_WORTH,),
                    alternatives=(answer["letter"],),
                    not_accepted=wrong,
                )
            )
            asked, options = [], {}
        elif option and asked:
            options[option["letter"]] = option["text"].strip()
        elif line.strip():
            asked.append(line.strip())
    return Candidate("", tuple(drafts))


def _blocks(text: str) -> list[str]:
    """Questions, which blank lines part; comments and categories are none."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    blocks = re.split(r"\n\s*\n", "\n".join(lines))
    return [block for block in blocks if block.strip() and not block.lstrip().startswith("$CATEGORY")]


def _is_answers(inside: str) -> bool:
    return not inside.strip() or inside.lstrip()[:1] in "=~#" or _TRUE.match(inside) is not None


def _draft(block: str, found: re.Match[str], position: int) -> Draft:
    titled = _TITLE.match(block)
    start = titled.end() if titled else 0
    before, after = block[start : found.start()], block[found.end() :]
    gap = "_____" if after.strip() else ""
    question = _plain(_MARKUP.sub("", f"{before.rstrip()} {gap}{after}"))
    number = str(position)
    right, partly, wrong = _answers(found["inside"])
    whole = abs(sum(share for _, share in partly) - 100) < 1
    return Draft(
        number=number,
        levels=(number,),
        place=f"question {position}" + (f" ({_plain(titled['title'])})" if titled else ""),
        question=question,
        answer=right[0] if right else "\n".join(text for text, _ in partly),
        marks=(_WORTH,),
        points=tuple(Point(text, _WORTH * share / 100) for text, share in partly)
        if whole and not right
        else (),
        alternatives=tuple(right[1:]),
        not_accepted=tuple(wrong),
    )


def _answers(inside: str) -> tuple[list[str], list[tuple[str, float]], list[str]]:
    """Right answers, those that earn a share of 100, and wrong ones."""
    if said := _TRUE.match(inside):
        is_true = said["said"].upper().startswith("T")
        return ["True" if is_true else "False"], [], ["False" if is_true else "True"]
    if inside.lstrip().startswith("#") and "=" not in inside:
        return [_plain(inside.strip().lstrip("#"))], [], []
    pairs: list[tuple[str, float]] = []
    right: list[str] = []
    partly: list[tuple[str, float]] = []
    wrong: list[str] = []
    for choice in _CHOICE.finditer(inside.lstrip().removeprefix("#")):
        text = _plain(_FEEDBACK.sub("", choice["text"]))
        share = float(choice["share"]) if choice["share"] else 100.0 if choice["sign"] == "=" else 0.0
        if "->" in text and choice["sign"] == "=":
            asked, answer = text.split("->", 1)
            pairs.append((f"{asked.strip()} → {answer.strip()}", 0.0))
        elif share >= 99.99:
            right.append(text)
        elif share > 0:
            partly.append((text, share))
        else:
            wrong.append(text)
    if pairs:
        return [], [(text, 100.0 / len(pairs)) for text, _ in pairs], []
    return right, partly, wrong


def _plain(text: str) -> str:
    return text_of_html(_ESCAPED.sub(r"\1", text)).strip()
