"""Whether a sentence about the results says what the results say.

Each number must be followed, in its sentence, by the name of its fact in brackets, and be that fact's value
(or interval, or number of answers) at the precision shown. The words around it must speak of that fact and
of no other: a QWK cited as an agreement, the model's as the second examiner's, new items' as known items' do
not pass, nor does a direction ("higher than", "rose from") that the cited values do not have. What cannot be
decided counts against the sentence: it is only left out.

Not seen: false claims without number or direction ("the model understands osmosis").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.grading.claimed_values import differs
from domain.grading.directions import Cited, too_sure, wrong_ways
from domain.grading.facts import MEASURES, Facts
from domain.grading.numbers_in_prose import Number, Stated, stated_in
from domain.grading.written_text import Unresolved

CITATION = re.compile(r"\s?\[([A-Za-z][\w.]*)\]")
_NO_PROSE = re.compile(r"https?:|www\.|javascript:|<[a-z/!]|\]\s*\(|```|[\x00-\x08]", re.IGNORECASE)
_INTERVAL = re.compile(r"\s+(?:confidence\s+|bootstrap\s+)?(?:intervals?|CI)\b")
_NAMES = re.compile(r"\b(?:macro-)?F1\b|\btwo (?:human )?(?:examiners|markers)\b", re.IGNORECASE)
_ENDS = re.compile(
    r"[,;:()]|\b(?:and|while|whereas|but|against|versus|vs|compared|than|above|below|exceeds?|to|from|or)\b"
)
_PART_END = re.compile(r"[,;:]| and | while | whereas | but ")
_SENTENCE_END = re.compile(r"(?<=[.!?])((?:\s?\[[A-Za-z][\w.]*\])*)\s+(?=[A-Z\d$\"'(])")
_SHORT_FORMS = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|approx|resp|no|fig)|\b[A-Z])\.$", re.IGNORECASE)

_ASPECTS: dict[str, dict[str, tuple[str, ...]]] = {
    "where": {
        "known": ("known item", "new answer", "seen before"),
        "new": ("new item", "unseen item", "items without"),
    },
    "who": {
        "model": ("model", "grader", " it ", " its "),
        "human": ("second examiner", "second marker", "other examiner"),
        "to_second": ("second examiner", "second marker", "other examiner"),
        "baseline": ("baseline", "mean mark", "average mark"),
    },
    "part": {
        "no_copies": ("without cop", "excluding cop", "no cop", "left out", "copies"),
        "no_blanks": ("blank",),
        "automatic": ("without a human", "automatic", "spared"),
        "twice": ("two examiners", "both examiners", "marked twice", "same answers"),
    },
    "scope": {"papers": ("paper", "total")},
    "split": {"validation": ("validation", "iteration", "in training", "during training")},
}
_USUAL = {"who": "model"}


def sentences_of(text: str) -> list[str]:
    """The sentences of a normalised text, each with the citations that follow its full stop."""
    found, begin = [], 0
    for match in _SENTENCE_END.finditer(text):
        if _SHORT_FORMS.search(text[begin : match.start()]):
            continue
        found.append(text[begin : match.end(1)].strip())
        begin = match.end()
    return [s for s in (*found, text[begin:].strip()) if s]


def check_sentence(sentence: str, facts: Facts, *, advice: bool = False) -> list[Unresolved]:
    """What is wrong with a sentence of normalised text; nothing if it stands.

    `advice` may speak of a direction without citing ("Add more graded answers").
    """
    return [Unresolved(sentence, why) for why in _faults(sentence, facts, advice)]


def _faults(sentence: str, facts: Facts, advice: bool) -> Iterator[str]:
    if _NO_PROSE.search(sentence):
        yield "it holds a link or markup"
        return
    matches = list(CITATION.finditer(sentence))
    unknown = [m[1] for m in matches if m[1] not in facts.known]
    if unknown:
        yield from (f"there is no fact [{name}]" for name in unknown)
        return
    stated = figures_in(sentence, facts)
    cited = _cited(sentence, facts, matches, stated)
    plain = CITATION.sub(" ", sentence)
    for one in stated:
        follows = next((c for c in cited if c.start >= one.end), None)
        shown = sentence[one.start : one.end].strip()
        if follows is None:
            yield f'"{shown}" is not followed by the name of its fact in brackets'
        elif (why := differs(one, follows.fact, sentence, follows.words)) or (
            why := _misnamed(follows, sentence, facts) or too_sure(follows.fact, plain, stated)
        ):
            yield f'"{shown}" [{follows.fact.id}]: {why}'
    yield from wrong_ways(sentence, cited, stated, advice=advice)


def figures_in(sentence: str, facts: Facts) -> list[Stated]:
    """The numbers that need a source: those outside of citations, of names and of "95% interval"."""
    names = [*CITATION.finditer(sentence), *_NAMES.finditer(sentence)]
    if facts.labels:
        names += re.finditer(r"\b(?:" + "|".join(map(re.escape, facts.labels)) + r")\b", sentence)
    hidden = sentence
    for match in names:
        # Not blanks: what stands on both sides of a citation is not side by side.
        hidden = hidden[: match.start()] + "\x01" * (match.end() - match.start()) + hidden[match.end() :]
    return [one for one in stated_in(hidden) if not _is_level(one, sentence)]


def _is_level(one: Stated, sentence: str) -> bool:
    level = isinstance(one, Number) and one.unit == "percent" and one.value == 95
    return level and _INTERVAL.match(sentence, one.end) is not None


def _cited(sentence: str, facts: Facts, matches: list[re.Match[str]], stated: list[Stated]) -> list[Cited]:
    cited: list[Cited] = []
    begin = 0
    for match in matches:
        follows = min((s.start for s in stated if s.start >= match.end()), default=len(sentence))
        end = _ENDS.search(sentence, match.end(), follows)
        until = end.start() if end else follows
        before = f" {sentence[begin : match.start()]} ".lower()
        words = f"{before}{sentence[match.end() : until]} ".lower()
        cited.append(Cited(facts.known[match[1]], match.start(), match.end(), before, words))
        begin = until
    return cited


def _misnamed(cited: Cited, sentence: str, facts: Facts) -> str:
    """Why the words around a citation do not speak of its fact; "" if they do."""
    fact, whole = cited.fact, f" {CITATION.sub(' ', sentence).lower()} "
    if not _says(whole, fact.words):
        return f"the sentence does not say {_either(fact.words)}"
    # Of "a high QWK, and the agreement is 0.91" the nearer part counts, unless it names nothing.
    named = _measures_in(_PART_END.split(cited.before)[-1]) or _measures_in(cited.words)
    if fact.measure and named and not _shares_words(fact.measure, named):
        return f"the words beside it speak of {', '.join(sorted(named))}"
    return _misplaced(cited, whole, facts) if fact.measure or fact.aspects else ""


def _measures_in(words: str) -> set[str]:
    return {name for name, measure in MEASURES.items() if measure.better and _says(words, measure.words)}


def _shares_words(measure: str, named: set[str]) -> bool:
    words = set(MEASURES[measure].words) if measure in MEASURES else set()
    return not words or any(words & set(MEASURES[name].words) for name in named)


def _misplaced(cited: Cited, whole: str, facts: Facts) -> str:
    """Whether whose figure it is, on which answers and of which item, is said otherwise."""
    fact = cited.fact
    items = {name for name in facts.labels or () if re.search(rf"\b{name.lower()}\b", cited.words)}
    of_item = next((a for a in fact.aspects if a in (facts.labels or ())), "")
    if (items or of_item) and of_item not in items:
        return f"it is about {of_item}" if of_item else "it is about no single item"
    for dimension, ways in _ASPECTS.items():
        if ("versus" in fact.aspects and dimension == "who") or (
            "human" in fact.aspects and dimension == "part"
        ):
            continue
        usual = _USUAL.get(dimension, "")
        mine = next((a for a in fact.aspects if a in ways), usual)
        where = cited.words if dimension == "who" else whole
        if mine not in ("", usual, "known") and not _says(where, ways[mine]):
            return f"it must say {_either(ways[mine])}"
        said = [way for way, words in ways.items() if _says(cited.words, words)]
        if fact.measure and said and mine not in said:
            told = _either(ways[mine]) if mine else f'not "{ways[said[0]][0].strip()}"'
            return f"the words beside it are about something else: it is {told}"
    return ""


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(f'"{word.strip()}"' for word in words)
