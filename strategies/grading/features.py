"""What can be said of an answer beside its question and model answers, for items never seen too.

Every feature is a number of about unit size, computed from the texts alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from strategies.grading.text import Sparse, count, sentences, stems, words

Floats = np.ndarray

_NEGATIONS = frozenset(
    "no not never none nothing neither nor without cannot can't don't doesn't didn't isn't aren't wasn't "  # noqa: SIM905
    "won't wouldn't couldn't kein keine keinen keiner keinem nicht nie niemals nichts ohne weder".split()
)


@dataclass(frozen=True)
class Reference:
    """What an item's guide says: `answers` has the model answer first, `points` its marking points."""

    question: str
    answers: tuple[str, ...]
    points: tuple[str, ...]
    not_accepted: tuple[str, ...] = ()
    guidance: str = ""


def references(items: pd.DataFrame) -> dict[str, Reference]:
    """The reference of each item of a frame under the contract `Items`."""
    found = {}
    for row in items.to_dict("records"):
        first = row["model_answer"]
        found[row["item_id"]] = Reference(
            row["question"],
            (first, *(text for text in row["alternatives"] if text != first)),
            tuple(point["text"] for point in row["criteria"]) or tuple(sentences(first)),
            tuple(row.get("not_accepted") or ()),
            row.get("guidance") or "",
        )
    return found


@dataclass(frozen=True)
class Weights:
    """Inverse document frequencies by hashed column, of one view of the texts (see text.VIEWS).

    Columns that no training text had weigh most.
    """

    n_texts: int
    columns: np.ndarray
    """int32, ascending."""
    n_with: np.ndarray
    """int32, how many training texts have the column."""

    @staticmethod
    def of(counts: Sparse) -> Weights:
        columns, n_with = np.unique(counts.indices, return_counts=True)
        return Weights(counts.shape[0], columns.astype(np.int32), n_with.astype(np.int32))

    def weigh(self, counts: Sparse) -> Sparse:
        """`counts` as ones and zeros, times the weight of the column."""
        n_with = np.zeros(counts.nnz, np.float64)
        if len(self.columns):
            at = np.minimum(np.searchsorted(self.columns, counts.indices), len(self.columns) - 1)
            n_with = np.where(self.columns[at] == counts.indices, self.n_with[at], 0)
        weighed = counts.astype(np.float32)
        weighed.data = (np.log((1 + self.n_texts) / (1 + n_with)) + 1).astype(np.float32)
        return weighed


def unit(matrix: Sparse) -> Sparse:
    """Rows scaled to length 1; empty rows stay empty."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scaled = matrix.tocsr().astype(np.float32)
    scaled.data = scaled.data / np.repeat(np.maximum(norms, 1e-9), np.diff(scaled.indptr)).astype(np.float32)
    return scaled


def _sum(matrix: Sparse) -> Floats:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.maximum(whole, 1e-9))


def _without(matrix: Sparse, other: Sparse) -> Sparse:
    """`matrix` less the columns that `other` has in the same row."""
    return (matrix - matrix.multiply(other > 0)).tocsr()


@dataclass(frozen=True)
class Pairs:
    """Every answer beside every reference text of its item: row numbers, grouped by answer."""

    answer: np.ndarray
    other: np.ndarray
    starts: np.ndarray

    @staticmethod
    def of(others: Sequence[Sequence[int]]) -> Pairs:
        """`others[i]` are the rows of the texts that answer i stands beside; at least one each."""
        sizes = np.array([len(rows) for rows in others], dtype=int)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
        return Pairs(np.repeat(np.arange(len(others)), sizes), np.concatenate(others).astype(int), starts)

    def highest(self, values: Floats) -> Floats:
        return np.maximum.reduceat(values, self.starts)

    def mean(self, values: Floats) -> Floats:
        return np.add.reduceat(values, self.starts) / np.diff([*self.starts, len(values)])

    def lowest(self, values: Floats) -> Floats:
        return np.minimum.reduceat(values, self.starts)


def _overlap(answer: Sparse, other: Sparse) -> dict[str, Floats]:
    """Row by row: the weight they share, as a share of the other, of the answer, and as cosine."""
    shared = _sum(other.multiply(answer > 0))
    recall, precision = _ratio(shared, _sum(other)), _ratio(shared, _sum(answer))
    cosine = _sum(unit(answer).multiply(unit(other)))
    return {"recall": recall, "precision": precision, "cosine": cosine}


def text_features(
    weights: Mapping[str, Weights],
    known: Mapping[str, Reference],
    item_ids: Sequence[str],
    texts: Sequence[str],
) -> tuple[list[str], Floats]:
    """Names and values (n answers, n features) for each answer's text beside its item's reference."""
    ids = sorted(set(item_ids))
    at = {item_id: row for row, item_id in enumerate(ids)}
    rows = np.array([at[item_id] for item_id in item_ids])
    columns: dict[str, Floats] = {}
    for view, weight in weights.items():
        answers = weight.weigh(count(view, texts))
        questions = weight.weigh(count(view, [known[i].question for i in ids]))[rows]
        columns |= _beside_references(view, weight, answers, questions, [known[i].answers for i in ids], rows)
        if view != "pairs":
            columns |= _beside_points(view, weight, answers, [known[i].points for i in ids], rows)
    columns |= _lengths(texts, [known[i] for i in ids], rows)
    columns |= _signs(texts, [known[i] for i in ids], rows)
    return list(columns), np.stack(list(columns.values()), axis=1).astype(np.float32)


def stack_beside(groups: Sequence[Sequence[str]], rows: np.ndarray) -> tuple[list[str], Pairs]:
    """All texts of all items in one list, and each answer (of item rows[i]) beside its own."""
    ends = np.cumsum([len(group) for group in groups])
    spans = [np.arange(end - len(group), end) for group, end in zip(groups, ends, strict=True)]
    return [text for group in groups for text in group], Pairs.of([spans[row] for row in rows])


def _beside_references(
    view: str,
    weight: Weights,
    answers: Sparse,
    questions: Sparse,
    groups: Sequence[Sequence[str]],
    rows: np.ndarray,
) -> dict[str, Floats]:
    texts, pairs = stack_beside(groups, rows)
    answer, other = answers[pairs.answer], weight.weigh(count(view, texts))[pairs.other]
    question = questions[pairs.answer]
    plain = _overlap(answer, other)
    # A word of the question says little about knowing the answer, so overlap is measured without too.
    new = _overlap(_without(answer, question), _without(other, question))
    found = {f"{view} {name}": pairs.highest(values) for name, values in plain.items()}
    found |= {f"{view} {name} new": pairs.highest(values) for name, values in new.items()}
    found[f"{view} recall mean"] = pairs.mean(plain["recall"])
    asked = _overlap(answers, questions)
    found[f"{view} question precision"] = asked["precision"]
    found[f"{view} question recall"] = asked["recall"]
    novel = _without(_without(answer, question), other)
    found[f"{view} novel"] = pairs.lowest(_ratio(_sum(novel), _sum(answer)))
    return found


def _beside_points(
    view: str, weight: Weights, answers: Sparse, groups: Sequence[Sequence[str]], rows: np.ndarray
) -> dict[str, Floats]:
    texts, pairs = stack_beside(groups, rows)
    recall = _overlap(answers[pairs.answer], weight.weigh(count(view, texts))[pairs.other])["recall"]
    return {
        f"{view} points mean": pairs.mean(recall),
        f"{view} points highest": pairs.highest(recall),
        f"{view} points lowest": pairs.lowest(recall),
        f"{view} points met": pairs.mean((recall > 0.5).astype(float)),
    }


def _lengths(texts: Sequence[str], known: Sequence[Reference], rows: np.ndarray) -> dict[str, Floats]:
    n_words = np.log1p([len(words(text)) for text in texts])
    reference = np.log1p([np.mean([len(words(text)) for text in one.answers]) for one in known])[rows]
    question = np.log1p([len(words(one.question)) for one in known])[rows]
    return {
        "length": n_words / 3,
        "length to reference": n_words - reference,
        "reference length": reference / 3,
        "question length": question / 3,
        "word length": np.array([np.mean([len(w) for w in words(text)] or [0]) for text in texts]) / 5,
        "points": np.log1p([len(one.points) for one in known])[rows],
        "references": np.log1p([len(one.answers) for one in known])[rows],
    }


def _signs(texts: Sequence[str], known: Sequence[Reference], rows: np.ndarray) -> dict[str, Floats]:
    """Negations, numbers and order: what a bag of words misses."""
    denials = np.array([_n_negations(text) for text in texts])
    expected = np.array([np.mean([_n_negations(text) for text in one.answers]) for one in known])[rows]
    return {
        "negations": np.minimum(denials, 3),
        "negations beyond reference": np.clip(denials - expected, -3, 3),
        "number": np.array([any(c.isdigit() for c in text) for text in texts], float),
        "order": np.array(
            [
                max(_in_order(stems(t), stems(r)) for r in known[row].answers[:8])
                for t, row in zip(texts, rows, strict=True)
            ]
        ),
    }


def _best_order(text: str, references: Sequence[str]) -> float:
    answer = stems(text)
    return max(_in_order(answer, stems(reference)) for reference in references[:8])


def _n_negations(text: str) -> int:
    return sum(word.replace("’", "'") in _NEGATIONS for word in words(text))


def _in_order(answer: list[str], reference: list[str]) -> float:
    """Length of the longest common subsequence as a share of the reference (its first 80 stems)."""
    reference = reference[:80]
    lengths = [0] * (len(reference) + 1)
    for stem in answer[:120]:
        before = 0
        for place, other in enumerate(reference, 1):
            kept = lengths[place]
            lengths[place] = before + 1 if stem == other else max(kept, lengths[place - 1])
            before = kept
    return lengths[-1] / max(len(reference), 1)
