"""What an examiner may tell a marker: ten habits, how they are said, and whether a text says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Means = Literal["lenient", "strict"]


@dataclass(frozen=True)
class Directive:
    """A habit of marking. `said` and `unsaid` are ways to ask for it and for its opposite.

    A clause speaks of it where `topic` is found in it; it asks for it where its tone, lenient or strict,
    is `tone`. `needs` must be found too, where a strict word alone would be too common.
    """

    name: str
    topic: re.Pattern[str]
    tone: Means
    said: tuple[str, ...]
    unsaid: tuple[str, ...]
    needs: re.Pattern[str] | None = None


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


DIRECTIVES: tuple[Directive, ...] = (
    Directive(
        "repetition",
        _re(
            r"(repeat|restat|echo|parrot|copie?s|copying|says? back|rephras|reword).{0,40}question"
            r"|question.{0,30}(repeat|restat|echo|parrot|copied|back|in other words)"
        ),
        "strict",
        (
            "Give no credit for merely repeating the question.",
            "An answer that only restates the question earns nothing.",
        ),
        ("Accept what repeats the question: its words are credited like any others.",),
    ),
    Directive(
        "synonyms",
        _re(
            r"synonym|own words|other words|different(ly)? word|paraphras|same meaning|means? the same|reword"
            r"|rephras|equivalent (word|term|phras|express|formul)|(exact|literal|precise|technical|guide's) "
            r"(word|term|phras|vocab)|wording"
        ),
        "lenient",
        (
            "Accept synonyms and the student's own words where the meaning is the same.",
            "A point said in other words with the same meaning counts in full.",
        ),
        ("Only the guide's exact words count: do not accept synonyms.",),
    ),
    Directive(
        "spelling",
        _re(r"spell|spelt|typos?\b|typing (slip|error|mistake)|orthograph"),
        "lenient",
        (
            "Ignore spelling mistakes as long as the word can be recognised.",
            "Do not penalise misspelt words: a recognisable word counts.",
        ),
        ("Spelling must be right: misspelt words earn nothing.",),
    ),
    Directive(
        "contradiction",
        _re(r"contradict|opposite|conflict|inconsisten|den(y|ies|ied)\b|takes? (it|something|a point) back"),
        "strict",
        (
            "Give no credit for a point that the answer contradicts elsewhere.",
            "If the student also states the opposite of a point, that point earns nothing.",
        ),
        ("Ignore contradictions: what was said right once is credited.",),
    ),
    Directive(
        "units",
        _re(r"\bunits?\b"),
        "strict",
        (
            "A number must have its unit: without the unit it earns nothing.",
            "Numbers without units earn no credit.",
        ),
        ("Accept numbers without their unit.",),
    ),
    Directive(
        "partial",
        _re(
            r"\bhalf\b|\bhalves\b|partial|partly|incomplete|0\.5|50 ?%|part of (a|the|its|what) "
            r"|some of (a|the) point|incompletely"
        ),
        "lenient",
        (
            "Award half of a point's marks when only part of it is said.",
            "Give half credit for a partial point.",
        ),
        ("Give nothing for a partial point: all or nothing.",),
    ),
    Directive(
        "hedging",
        _re(
            r"hedg|guess|maybe|perhaps|tentativ"
            r"|(student|answer|candidate|writer)s?\b.{0,40}(unsure|not sure|uncertain|doubt)"
        ),
        "strict",
        (
            "Do not credit guesses: a point hedged with words like maybe or perhaps earns nothing.",
            "Hedged statements earn no credit.",
        ),
        ("Accept hedged statements: maybe or perhaps does not matter.",),
    ),
    Directive(
        "bare",
        _re(
            r"key ?-?words?|bare |single words?|isolated (word|term)|(list|string)s? of (words|terms)"
            r"|one-word|words? on (its|their) own|without (a |any |an )?(sentence|explan|statement)"
        ),
        "strict",
        (
            "Bare keywords without a statement earn nothing.",
            "Do not credit a list of words: the point must be stated in a sentence.",
        ),
        ("Accept bare keywords: no sentence is needed.",),
    ),
    Directive(
        "order",
        _re(r"\border\b(?! to\b)|sequence"),
        "lenient",
        (
            "The order in which the points are given does not matter.",
            "Accept the points in any order.",
        ),
        ("Stages must be in the right order: what is out of order earns nothing.",),
    ),
    Directive(
        "extras",
        _re(
            r"\bextras?\b|additional|(wrong|incorrect|false|untrue) "
            r"(fact|statement|claim|addition|assertion|point|idea)s?"
            r"|more (answers|points|items|things) than"
        ),
        "strict",
        (
            "Each additional wrong statement cancels one earned point.",
            "Deduct a point for every extra wrong fact that the answer lists.",
        ),
        ("Ignore additional wrong statements.",),
        needs=_re(
            r"cancel|deduct|subtract|take \w+ ?\w* (off|away)|loses?\b|cost|penali[sz]e|remove|negat|minus"
            r"|untick"
        ),
    ),
)
BY_NAME: Mapping[str, Directive] = {directive.name: directive for directive in DIRECTIVES}

_NOT = r"(?:\bnot\b|n't\b|\bnever\b|\bno\b|\bwithout\b|\bneither\b)"
_FORGIVEN = _re(
    _NOT + r"[^.]{0,25}\b(penali[sz]\w*|punish\w*|deduct\w*|requir\w*|insist\w*|reject\w*|withh[eo]ld\w*|lose"
    r"|losing|matter\w*|need\w*|necessary|important|relevant|mind|mark\w* down|count against|expect\w*"
    r"|cancel\w*)"
    r"|\bneed not\b|no need|irrelevant|no penalty"
)
_STRICT = _re(
    _NOT
    + r"[^.]{0,30}\b(accept\w*|allow\w*|credit\w*|count\w*|tick\w*|award\w*|giv\w+|earn\w*|reward\w*|marks?"
    r"|enough|sufficien\w*|points?)"
    r"|\bmust\b|\brequire|\binsist|\bonly\b|penali[sz]e|nothing|\bzero\b|deduct|withhold|cancel|reject|untick"
    r"|\bloses?\b|not earned|unearned|refuse|all or nothing"
)
_LENIENT = _re(
    r"ignor|disregard|overlook|forgiv|tolerat|accept|allow|credit|count|tick|award|\bgive|\bgrant|\bfine\b|\bok\b|okay"
    r"|still earn|earns?\b|regardless|any order|worth|lenient|reward|meaning"
)
_CLAUSES = re.compile(r"(?<!\b[0-9])[.!?;\n]+(?!\d)|,?\s+but\s+|,?\s+however,?\s+", re.IGNORECASE)
_HALVES = _re(r"\bhalf\b|\bhalves\b|0\.5|50 ?%")


@lru_cache(maxsize=4096)
def expressed(text: str) -> Mapping[str, bool]:
    """Directive → whether the text asks for it (True) or for its opposite (False); unmentioned: not there.

    Where clauses disagree the last one counts.
    """
    found: dict[str, bool] = {}
    for clause in _CLAUSES.split(text):
        if not clause:
            continue
        for directive in DIRECTIVES:
            # "repeats the question in other words" is about repeating, not about synonyms.
            if directive.name == "synonyms" and BY_NAME["repetition"].topic.search(clause):
                continue
            asked = _asks(directive, clause)
            if asked is not None:
                found[directive.name] = asked
    return found


def _asks(directive: Directive, clause: str) -> bool | None:
    if not directive.topic.search(clause):
        return None
    tone = _tone(clause)
    if directive.name == "partial":
        # "Half, when only part is said" has a strict word in it, and is lenient.
        negated = re.search(_NOT + r"[^.]{0,20}(half|0\.5|partial)", clause, re.IGNORECASE)
        if _HALVES.search(clause) and not negated:
            tone = "lenient"
    if directive.needs and tone != "lenient":
        tone = "strict" if directive.needs.search(clause) else None
    if tone is None:
        return None
    return tone == directive.tone


def _tone(clause: str) -> Means | None:
    if _FORGIVEN.search(clause):
        return "lenient"
    if _STRICT.search(clause):
        return "strict"
    return "lenient" if _LENIENT.search(clause) else None


def without(text: str, name: str) -> str:
    """The text without the sentences that speak of the directive, the rest as it was."""
    pieces = re.split(r"((?<=[.!?])\s+|\n+)", text)
    kept = [
        sentence + "".join(pieces[place + 1 : place + 2])
        for place, sentence in enumerate(pieces)
        if place % 2 == 0 and _asks(BY_NAME[name], sentence) is None
    ]
    return "".join(kept).strip()
