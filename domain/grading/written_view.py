"""A checked text as a page shows it: without its citations, each number with what it was checked against."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.grading.claims import CITATION, figures_in
from domain.grading.facts import Fact, Facts
from domain.grading.written_report import cited
from domain.grading.written_text import Unresolved, WrittenText

_MINUS = re.compile(r"(?<![\d%])-(?=\.?\d)")


@dataclass(frozen=True)
class Piece:
    """Part of a sentence; `anchor` is the row of the fact behind a number, `hint` that fact in words."""

    text: str
    anchor: str = ""
    hint: str = ""


Sentence = tuple[Piece, ...]


@dataclass(frozen=True)
class Source:
    """A row of the table of cited figures."""

    anchor: str
    name: str
    value: str
    interval: str
    n: str


@dataclass(frozen=True)
class WrittenView:
    model: str
    summary: tuple[Sentence, ...]
    findings: tuple[tuple[Sentence, ...], ...]
    recommendations: tuple[tuple[Sentence, ...], ...]
    sources: tuple[Source, ...]
    dropped: tuple[Unresolved, ...]
    """Why sentences are missing, for the JSON: a page that showed them would repeat what is false."""
    said: str
    """Who wrote it, that it was checked, and what was left out."""


def written_view(text: WrittenText | None, facts: Facts) -> WrittenView | None:
    """None where no model was asked to write."""
    if text is None:
        return None

    def entry(sentences: tuple[str, ...]) -> tuple[Sentence, ...]:
        return tuple(tuple(pieces_of(sentence, facts)) for sentence in sentences)

    return WrittenView(
        model=text.model,
        summary=entry(text.summary),
        findings=tuple(map(entry, text.findings)),
        recommendations=tuple(map(entry, text.recommendations)),
        sources=tuple(_source(fact, facts) for fact in cited(text, facts)),
        dropped=text.dropped,
        said=said_of(text),
    )


def said_of(text: WrittenText) -> str:
    """In words: who wrote the text and what became of it."""
    if text.failure:
        return f"No text was written: {text.failure}. The computed findings stand."
    told = f"Written by {text.model} from the computed results; numbers checked against them."
    if text.n_dropped:
        sentences = "1 sentence was" if text.n_dropped == 1 else f"{text.n_dropped} sentences were"
        theirs = "it said" if text.n_dropped == 1 else "they said"
        told += f" {sentences} dropped: {theirs} what is not in the results."
    return told + (" Nothing was left; the computed findings stand." if text.is_empty else "")


def pieces_of(sentence: str, facts: Facts) -> list[Piece]:
    """A sentence cut at its numbers, citations taken out."""
    citations = list(CITATION.finditer(sentence))
    cuts: list[tuple[int, int, Piece]] = [(m.start(), m.end(), Piece("")) for m in citations]
    for stated in figures_in(sentence, facts):
        follows = next((m for m in citations if m.start() >= stated.end), None)
        if follows and (fact := facts.known.get(follows[1])):
            text = _MINUS.sub("−", sentence[stated.start : stated.end])
            shown = Piece(text, f"fact-{fact.id}", _hint(fact, facts))
            cuts.append((stated.start, stated.end, shown))
    pieces, begin = [], 0
    for start, end, piece in sorted(cuts, key=lambda cut: cut[0]):
        pieces += [Piece(_named(sentence[begin:start], facts)), piece]
        begin = end
    return [piece for piece in (*pieces, Piece(_named(sentence[begin:], facts))) if piece.text]


def plain_sentence(sentence: Sentence) -> str:
    """Its words alone."""
    return re.sub(r"\s+([.,;:)])", r"\1", "".join(piece.text for piece in sentence)).strip()


def _named(text: str, facts: Facts) -> str:
    """I1 by the label of its item."""
    for name, label in (facts.labels or {}).items():
        # Split and joined: a label is no pattern.
        text = f"item {label}".join(re.split(rf"(?:\b[Ii]tem )?\b{name}\b", text))
    return "I" + text[1:] if text.startswith("item ") else text


def _hint(fact: Fact, facts: Facts) -> str:
    source = _source(fact, facts)
    interval = f" (95% interval {source.interval})" if source.interval else ""
    return f"{source.name}: {source.value}{interval}"


def _source(fact: Fact, facts: Facts) -> Source:
    interval = ""
    if fact.low is not None and fact.high is not None:
        interval = f"{_shown(fact, fact.low)} to {_shown(fact, fact.high)}"
    n = "" if fact.n is None else str(fact.n)
    return Source(f"fact-{fact.id}", _named(fact.name, facts), _shown(fact, fact.value), interval, n)


def _shown(fact: Fact, value: float) -> str:
    if fact.unit in ("count", "tokens"):
        return f"{value:,.0f}"
    if fact.unit == "share":
        return f"{100 * value:.2f}%".replace("-", "−")
    if fact.unit == "index":
        return f"{value:.3f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−") + {"seconds": " s", "usd": " USD"}.get(fact.unit, "")
