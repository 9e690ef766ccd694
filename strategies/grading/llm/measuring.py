"""A program measured on validation: what `finish` needs, and the figures that a training shows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.grading.metrics import pearson, qwk, rmse
from strategies.base import Effect, Outcome
from strategies.grading.llm.asking import Asking
from strategies.grading.llm.confidence import signs_of
from strategies.grading.llm.lesson import Lesson, Rows
from strategies.grading.llm.marking import Marked
from strategies.grading.llm.program import Program
from strategies.grading.llm.scoring import Verdict
from strategies.grading.llm.search import try_out


@dataclass(frozen=True)
class Measured:
    """A program on validation, and on `unseen` as if its items were unknown: shares and signs, NaN rows
    where there was no usable reply; and figures about the replies."""

    shares: np.ndarray
    signs: np.ndarray
    unseen_shares: np.ndarray
    unseen_signs: np.ndarray
    quality: Mapping[str, float]
    models: tuple[str, ...]


def measure(asking: Asking, lesson: Lesson, program: Program) -> Generator[Effect, Outcome, Measured]:
    tried = yield from try_out(asking, lesson, program, lesson.validation)
    # No worked examples: that is how an item is graded of which nobody has graded an answer.
    alone = yield from try_out(asking, lesson, replace(program, n_examples=0), lesson.unseen)
    verdicts = [one.verdict for one in tried.several if isinstance(one.verdict, Verdict)]
    return Measured(
        shares=tried.shares,
        signs=signs_of(tried.several),
        unseen_shares=alone.shares,
        unseen_signs=signs_of(alone.several),
        quality=quality_of(tried.several, program.repeats),
        models=tuple(sorted({name for verdict in verdicts for name in verdict.models})),
    )


def quality_of(several: Sequence[Marked], repeats: int) -> dict[str, float]:
    """Figures about the replies: how many came, could be read at once, had quotations that hold, agree."""
    verdicts = [one.verdict for one in several if isinstance(one.verdict, Verdict)]
    n_claimed = sum(verdict.n_claimed for verdict in verdicts)
    found = {
        "answered": len(verdicts) / max(len(several), 1),
        "valid_replies": sum(v.n_at_once for v in verdicts) / max(len(several) * repeats, 1),
        "quoted": sum(v.n_quoted for v in verdicts) / n_claimed if n_claimed else 1.0,
    }
    pairs = [
        abs(one - other) < 1e-9
        for verdict in verdicts
        for place, one in enumerate(verdict.shares)
        for other in verdict.shares[:place]
    ]
    return {**found, "consistency": float(np.mean(pairs))} if pairs else found


def metrics_of(rows: Rows, measured: Measured) -> dict[str, float]:
    kept = np.isfinite(measured.shares)
    gold, shares, marks = rows.gold[kept], measured.shares[kept], rows.marks(measured.shares)[kept]
    return {
        "qwk": _finite(qwk(gold, marks)),
        "rmse": _finite(rmse(gold, shares)),
        "r": _finite(pearson(gold, shares)),
        "agreement": float(np.mean(np.abs(marks - gold) < rows.step[kept] / 2)),
        **measured.quality,
    }


def qwk_of(rows: Rows, shares: np.ndarray) -> float:
    kept = np.isfinite(shares)
    return _finite(qwk(rows.gold[kept], rows.marks(shares)[kept]))


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
