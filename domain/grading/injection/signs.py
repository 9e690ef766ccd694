"""A sign of injection, and those that are seen in characters rather than in words."""

# ruff: noqa: E501 - a pattern is read in one line
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.grading.injection.readings import Reading


@dataclass(frozen=True)
class Sign:
    """Something found in a reading, from `start` to `end`; `weight` in (0, 1]."""

    family: str
    weight: float
    start: int
    end: int
    aimed: bool = False
    """It concerns this very answer, so that no subject of a question excuses it."""


_PATTERNS = tuple(
    (family, weight, aimed, re.compile(pattern, re.MULTILINE))
    for family, weight, aimed, pattern in (
        # Turns of a chat, as servers write them for models.
        ("role", 0.9, True, r"<\|[a-z_]{2,20}\|>|\[/?inst\]|<</?sys>>|</?s>\s*\[inst|<(start|end)_of_turn>"),
        ("role", 0.45, False, r"^[ \t>*#\[(]{0,6}(system|assistant|human|developer)[ \t]?(prompt|message|note|override|update)?[\])*]{0,3}:"),
        ("role", 0.8, True, r"</?(system|assistant|user_?input|(student|candidate)_?(answer|response|text|submission)|submission|instructions?)>"),
        ("role", 0.75, True, r"^[ \t=*#\-<\[]{0,8}(end|begin|start) of (the )?(student'?s? |candidate'?s? )?(answer|response|submission|prompt|input|text|data)\b"),
        # Our fence and our reply's fields.
        ("format", 0.85, True, r"<<<[0-9a-f]{6,40}\b|\b[0-9a-f]{6,40}>>>"),
        ("format", 0.8, True, r"[\"']earned[\"'][ ]?:|[\"']?\bid[\"']?[ ]?:[ ]?[\"']p\d{1,2}[\"']"),
        ("format", 0.5, False, r"[\"'](confidence|score|marks?|grade|points_awarded|total)[\"'][ ]?:[ ]?[\"']?\d"),
        ("format", 0.75, False, r"[\"'](confidence|score|examiner_score|earned|ticks|comment|quote)[\"'][ ]?:[^{}\n]{0,80}[\"'](confidence|score|examiner_score|grader_score|earned|ticks|comment|quote|status)[\"'][ ]?:"),
        # Marks said to be given already.
        ("claim", 0.55, True, r"\b(score|marks?|grade|punkte|note|points|puntos|nota|total)( awarded| given| earned)?[ ]?[:=]?[ ]?(\d{1,3})[ ]?(/|out of|von|sur|de)[ ]?\3\b"),
        ("claim", 0.75, True, r"\b(marks? awarded|final (score|grade|mark)|score awarded|awarded marks?)[ ]?[:=]"),
        ("claim", 0.7, True, r"\b(examiner|marker|teacher|moderator|grader|assessor|invigilator|professor|judge|reviewer)'?s? ?(note|comment|remark|decision|feedback|instruction)s?[ ]?[:\-]"),
        ("claim", 0.45, False, r"\b(note|message|memo|attention|instructions?|information|hint|to) (to|for) (the )?(marker|grader|examiner|assessor|evaluator|judge|reviewer|ai|(language |grading )?model|automatic|auto|llms?|corrector|prufer|korrektor)"),
        # Marking points ticked off by the student.
        ("scheme", 0.7, True, r"\b(p|point |criterion |marking point |punkt )(\d{1,2}|one|two|three)[ ]?[:=\-–(]{0,2}[ ]?((is |was )?(earned|met|awarded|achieved|satisfied|fulfilled|credited|erfullt)\b|✓|✔)"),
        ("format", 0.75, False, r"[\"'](grades|ticks|verdicts|points)[\"'][ ]?:[ ]?\[[ ]?\{[ ]?[\"']id[\"']"),
        ("format", 0.75, True, r"\bearned[ ]?[=:][ ]?[\"']?(1|true|yes)\b"),
        ("format", 0.75, True, r"[\"']p\d{1,2}[\"'][ ]?:[ ]?[\"']?(1|true|yes|earned|full)\b"),
        ("example", 0.55, False, r"\b(answer|response|antwort)[ ]?:[^\n]{0,300}?(score|ticks|marks|grade|points)[ ]?(earned)?[:=]"),
        ("example", 0.75, True, r"(\b(answer|response|antwort)[ ]?:[^\n]{0,300}?(score|ticks|marks|grade)[ ]?[:=][^\n]{0,80}\n){2}"),
        # Text that a reader does not see.
        ("hidden", 0.4, False, r"<!--|display[ ]?:[ ]?none|visibility[ ]?:[ ]?hidden|font-size[ ]?:[ ]?[01](px|pt)?\b|color[ ]?:[ ]?(white|#fff)"),
        ("orders", 0.6, True, r"\b(new|updated|revised|additional|special|secret|hidden|real|actual) (system )?(instructions?|prompt|rubric|mark(ing)? scheme|task|anweisung(en)?|instrucciones)[ ]?[:\-]"),
        ("override", 0.7, False, r"\b(instructions?|rules|rubric|mark(ing)? scheme|guidelines|prompt|criteria)( \w+){0,3} ((do|does|should|must|will|are|is) (not|no longer)|don'?t|doesn'?t) (apply|count|valid|hold|binding)"),
        ("orders", 0.6, True, r"\byour (new |only |real |actual )?(task|job|role|goal|purpose|instructions?) (is|are|now)\b"),
        ("orders", 0.7, True, r"\byou are (now |actually |really |no longer )?(an? |the )?(\w+ ){0,2}(ai|assistant|marker|grader|examiner|language model|chatbot|dan|teacher)\b"),
    )
)  # fmt: skip
_TOGETHER = ("ignoreall", "previousinstruction", "fullmarks", "maximumscore", "allpoints", "ignoreprevious")


def signs_in_characters(reading: Reading) -> Iterator[Sign]:
    for family, weight, aimed, pattern in _PATTERNS:
        for match in pattern.finditer(reading.text):
            yield Sign(family, weight, match.start(), match.end(), aimed)
    if reading.disguise == "letters set apart":
        squeezed = reading.text.replace(" ", "")
        if any(words in squeezed for words in _TOGETHER):
            yield Sign("hidden", 0.9, 0, len(reading.text), True)


_TAGS = re.compile("[\U000e0020-\U000e007e]{8,}")
_OVERRIDES = re.compile("[\u202d\u202e]")
_MIXED = re.compile(r"[a-zA-Z][а-яіјѕԁӏА-ЯІЈЅ]|[а-яіјѕԁӏА-ЯІЈЅ][a-zA-Z]")


def signs_in_disguise(text: str) -> Iterator[Sign]:
    """Disguises that have no honest use, by places in the text itself."""
    if text.isascii():
        return
    for match in _TAGS.finditer(text):
        yield Sign("hidden", 0.9, match.start(), match.end(), True)
    right_to_left = re.search("[\u0590-\u08ff]", text)
    for match in _OVERRIDES.finditer(text) if not right_to_left else ():
        yield Sign("hidden", 0.75, match.start(), match.end(), True)
    mixed = list(_MIXED.finditer(text))
    if len(mixed) >= 3:
        yield Sign("hidden", 0.75, mixed[0].start(), mixed[-1].end(), True)
