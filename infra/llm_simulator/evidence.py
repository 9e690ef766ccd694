"""What an answer offers for each marking point, and what speaks for and against crediting it.

Pure look-up of words: the points' own words, synonyms, misspelt forms. What the marker then makes of it
is decided by its directives (`earned`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.llm_simulator import reading

FULL, HALF = 0.7, 0.38
"""Shares of a point's words from which on it counts as said, and as half said."""
_RARE, _COMMON = 1.0, 0.35
"""Weights of a point's own words, and of those that the question or another point has too."""


@dataclass(frozen=True)
class Question:
    """An item as the marker reads it."""

    question: str
    points: tuple[str, ...]
    marks: tuple[float, ...]
    model_answer: str = ""

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Question:
        """The item of a prompt; one without points has its model answer for its only point."""
        points = [p for p in item.get("points") or [] if isinstance(p, dict)]
        texts = tuple(str(p.get("text", "")) for p in points)
        marks = tuple(float(p.get("marks") or 1.0) for p in points)
        if not texts:
            texts, marks = (str(item.get("model_answer", "")),), (float(item.get("max_score") or 1),)
        return cls(str(item.get("question", "")), texts, marks, str(item.get("model_answer") or ""))

    def is_foreign(self, place: int) -> bool:
        """Whether the point has nothing to do with the model answer and the question."""
        known = {reading.stem(word) for word in reading.content(f"{self.question} {self.model_answer}")}
        own = {reading.stem(word) for word in reading.content(self.points[place])}
        return self.model_answer != "" and not own & known

    @property
    def in_order(self) -> bool:
        return bool({"order", "stages", "steps", "sequence"} & set(reading.words(self.question)))


@dataclass(frozen=True)
class Finding:
    """A point's best evidence. `quote` is verbatim, "" for none; `doubts` are the directives it hangs on."""

    quote: str = ""
    doubts: frozenset[str] = frozenset()
    coverage: float = 0.0
    near: str = ""
    """The sentence that comes nearest, where none is evidence."""


@dataclass(frozen=True)
class Evidence:
    findings: tuple[Finding, ...]
    n_wrong: int
    """Statements on the topic that no point knows."""


@dataclass(frozen=True)
class _Claim:
    place: int
    sentence: str
    coverage: float
    doubts: frozenset[str]
    denies: bool


@lru_cache(maxsize=16_384)
def examine(question: Question, answer: str) -> Evidence:
    """What the answer offers for each point."""
    sentences = reading.sentences(answer)
    weights = _weights(question)
    claims = [
        [_claim(point, weights[place], s, i) for i, s in enumerate(sentences)]
        for place, point in enumerate(question.points)
    ]
    findings = [_best(row) for row in claims]
    echoes = [s for s in sentences if _is_echo(question, s)]
    findings = _with_echo(question, findings, echoes)
    if question.in_order:
        findings = _with_order(findings, sentences)
    n_wrong = sum(
        _is_wrong(question, s, [row[i].coverage for row in claims])
        for i, s in enumerate(sentences)
        if s not in echoes
    )
    return Evidence(tuple(findings), n_wrong)


def earned(evidence: Evidence, asked: Mapping[str, bool]) -> list[float]:
    """The share of each point's marks that a marker gives who is told `asked` (see `expressed`).

    Untold, it takes the easy way: literal words only, no halves, but echoes, hedges, bare keywords,
    contradictions and numbers without units all count, and wrong statements cost nothing.
    """
    shares = [_share(finding, asked) for finding in evidence.findings]
    if asked.get("extras"):
        cancelled = evidence.n_wrong
        for place in reversed(range(len(shares))):
            if cancelled and shares[place]:
                shares[place], cancelled = 0.0, cancelled - 1
    return shares


def _share(finding: Finding, asked: Mapping[str, bool]) -> float:
    if not finding.quote:
        return 0.0
    for name in finding.doubts:
        told = asked.get(name, False)
        # Lenient directives let pass what the marker would not, strict ones stop what it would let pass.
        if told == (name in ("repetition", "contradiction", "units", "hedging", "bare")):
            return 0.0
    return 0.5 if "partial" in finding.doubts else 1.0


@lru_cache(maxsize=4096)
def _weights(question: Question) -> tuple[Mapping[str, float], ...]:
    """For each point, its words and their weights."""
    asked = {reading.stem(word) for word in reading.content(question.question)}
    seen = Counter(s for point in question.points for s in {reading.stem(w) for w in reading.content(point)})
    rows = []
    for point in question.points:
        found = reading.content(point) or reading.words(point)
        rows.append(
            {w: _COMMON if reading.stem(w) in asked or seen[reading.stem(w)] > 1 else _RARE for w in found}
        )
    return tuple(rows)


def _claim(point: str, weights: Mapping[str, float], sentence: str, place: int) -> _Claim:
    written = reading.words(sentence)
    stems = {reading.stem(word) for word in written}
    groups = {group for word in written if (group := reading.group(word)) is not None}
    total = sum(weights.values()) or 1.0
    literal = same = slipped = 0.0
    numbers_there = True
    for word, weight in weights.items():
        if reading.is_number(word):
            numbers_there &= word in written
        if reading.stem(word) in stems:
            literal += weight
        elif reading.group(word) is not None and reading.group(word) in groups:
            same += weight
        elif any(reading.is_slip_of(one, word) for one in written):
            slipped += weight
    coverage = (literal + same + slipped) / total if numbers_there else 0.0
    doubts = set()
    if coverage >= FULL or _is_numeric(point):
        # What the point would lack without them says what it hangs on.
        if same and (literal + slipped) / total < FULL:
            doubts.add("synonyms")
        if slipped and (literal + same) / total < FULL:
            doubts.add("spelling")
        if _is_numeric(point) and coverage and _unit(point) and not _unit(point) & set(written):
            doubts = {"units"}
            coverage = max(coverage, FULL)
    elif coverage >= HALF:
        doubts.add("partial")
    if reading.hedges(sentence):
        doubts.add("hedging")
    if len(weights) > 1 and not set(written) & reading.FUNCTION_WORDS and _is_list(sentence):
        doubts.add("bare")
        doubts.discard("partial")
        coverage = FULL if coverage >= HALF else coverage
    denies = reading.negates(sentence) and not reading.negates(point)
    return _Claim(place, sentence, coverage, frozenset(doubts), denies)


def _best(claims: Sequence[_Claim]) -> Finding:
    """The claim with the fewest doubts; a denial elsewhere puts it in doubt."""
    good = [claim for claim in claims if claim.coverage >= HALF and not claim.denies]
    near = max(claims, key=lambda claim: claim.coverage, default=None)
    if not good:
        nearest = near.sentence if near and near.coverage > 0.15 else ""
        return Finding(near=nearest, coverage=near.coverage if near else 0.0)
    best = max(good, key=lambda claim: ("partial" not in claim.doubts, -len(claim.doubts), claim.coverage))
    denied = any(claim.denies and claim.coverage >= HALF for claim in claims)
    doubts = best.doubts | {"contradiction"} if denied else best.doubts
    return Finding(best.sentence, doubts, best.coverage)


def _with_echo(question: Question, findings: list[Finding], echoes: Sequence[str]) -> list[Finding]:
    """An echo of the question passes for the first point that nothing else is offered for."""
    for echo in echoes:
        free = next((i for i, f in enumerate(findings) if not f.quote and not question.is_foreign(i)), None)
        if free is not None:
            findings = [*findings]
            findings[free] = Finding(echo, frozenset({"repetition"}), FULL)
    return findings


def _with_order(findings: list[Finding], sentences: Sequence[str]) -> list[Finding]:
    """A stage that is told before one that precedes it is out of order."""
    told, latest = [], -1
    for finding in findings:
        place = sentences.index(finding.quote) if finding.quote else -1
        if finding.quote and place < latest:
            finding = Finding(finding.quote, finding.doubts | {"order"}, finding.coverage)
        latest = max(latest, place)
        told.append(finding)
    return told


def _is_echo(question: Question, sentence: str) -> bool:
    written = reading.content(sentence)
    asked = {reading.stem(word) for word in reading.content(question.question)}
    return len(written) >= 3 and sum(reading.stem(w) in asked for w in written) / len(written) >= 0.75


def _is_wrong(question: Question, sentence: str, coverages: Sequence[float]) -> bool:
    """A statement on the topic that no point comes near; asides and denials are not."""
    if max(coverages, default=0.0) >= HALF or reading.is_aside(sentence) or reading.hedges(sentence):
        return False
    written = {reading.stem(word) for word in reading.content(sentence)}
    topic = {
        reading.stem(word) for text in (question.question, *question.points) for word in reading.content(text)
    }
    return len(written) >= 3 and bool(written & topic) and not reading.negates(sentence)


def _is_list(sentence: str) -> bool:
    pieces = [piece for piece in sentence.rstrip(".;").split(",") if piece.strip()]
    return len(pieces) > 1 and all(len(piece.split()) <= 2 for piece in pieces)


@lru_cache(maxsize=16_384)
def _is_numeric(point: str) -> bool:
    return any(reading.is_number(word) for word in reading.words(point))


@lru_cache(maxsize=16_384)
def _unit(point: str) -> frozenset[str]:
    """The words of the unit: what follows the number."""
    found = reading.words(point)
    last = max((i for i, word in enumerate(found) if reading.is_number(word)), default=len(found))
    return frozenset(word for word in found[last + 1 :] if word not in reading.FUNCTION_WORDS)
