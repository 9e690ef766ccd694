"""What a grader is worth on answers that it never saw, in figures.

`evaluate` joins predictions with the human scores of the test split and measures, for each protocol:
agreement with intervals, also without answers that flatter (copies of training answers, blanks); each
item; calibration; the human ceiling; the trivial baseline; and what referral buys.

Names of metrics carry a prefix where they are of a part or of another marker:

    qwk, rmse, …                  the model against the examiner
    without_copies.…              without exact copies of training answers
    without_blanks.…              without blank answers
    automatic.share, .agreement   not referred: above the confidence that validation chose
    human.…                       a second examiner against the first, where there is one
    model_with_human.…            the model against the first, on those same answers
    model_to_second.…             the model against the second examiner
    over_human.qwk                model_with_human.qwk − human.qwk, on the same resamples
    item_mean.…                   the trivial baseline: the item's mean gold in training
    over_item_mean.qwk, .rmse     the model's minus the baseline's
    papers.…                      totals of whole papers (protocol "all")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import pandas as pd
from pydantic import TypeAdapter

from domain.bootstrap import Interval
from domain.contracts import Metrics
from domain.errors import InputError
from domain.frames import Frame
from domain.grading.agreement import (
    Figure,
    Marking,
    Terms,
    advantage,
    figure_of_mean,
    figures_of,
    marking_of,
)
from domain.grading.breakdowns import by_confidence, by_item, by_mark, by_paper, by_referral
from domain.grading.graded import grade_frame
from domain.grading.metrics import qwk, rmse
from domain.json_records import read_json
from domain.kinds import Protocol, Split

ALL = "all"
"""Stands for a protocol where figures are of all test answers together."""
_KEY_METRICS = (
    "qwk", "pearson", "rmse", "agreement", "macro_f1", "automatic.share", "automatic.agreement", "human.qwk",
)  # fmt: skip
_PAPER_METRICS = ("pearson", "mae", "rmse", "mae_marks", "agreement", "bias")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures and the frames that figures and pages are drawn from; columns are told at each frame."""

    tolerance: float
    promised: float
    threshold: float
    """Of confidence; above 1 where every answer is referred."""
    seed: int
    n_unscored: int
    """Test answers that no human scored; they are left out."""
    n_ungraded: int
    """Test answers with a human score that the model gave no grade; they are left out."""
    metrics: Frame
    """Contract Metrics; names as in the module's docstring."""
    items: Frame
    """protocol, item_id, label, n, max_score, mean_gold, mean_mark, qwk, mae, agreement,
    human_agreement, n_training. One row an item; mae as a share of max_score."""
    calibration: Frame
    """protocol, low, high, n, confidence, agreement. One row a bin of confidence that is not empty."""
    referral: Frame
    """protocol, threshold, n, agreed, share, agreement: the referral curve, thinned."""
    confusion: Frame
    """protocol, gold, mark, n, unit ("marks" or "share of max_score"); empty where marks are no labels."""
    papers: Frame
    """student, n, max_score, gold, mark: totals of whole papers."""
    graded: Frame
    """One row a graded test answer, see `domain.grading.graded`."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """Those that were evaluated, the easier first."""
        present = set(self.graded["protocol"])
        return tuple(p.value for p in Protocol if p.value in present)

    def figure(self, protocol: str, metric: str) -> Interval:
        """One metric; all NaN and n 0 where it was not measured."""
        rows = self.metrics[(self.metrics["protocol"] == protocol) & (self.metrics["metric"] == metric)]
        for row in rows.itertuples():
            return Interval(float(row.value), float(row.low), float(row.high), int(row.n))
        nan = float("nan")
        return Interval(nan, nan, nan, 0)

    def key_figures(self) -> dict[str, float]:
        """The few figures that runs are compared by, named protocol.metric; NaN ones are left out."""
        named = {f"{p}.{m}": self.figure(p, m).value for p in self.protocols for m in _KEY_METRICS}
        return {name: value for name, value in named.items() if value == value}

    def worst(self, protocol: str, n: int = 10) -> pd.DataFrame:
        """The `n` disagreements that matter most, at most three an item.

        Widest first, and of equally wide ones the most confident; as `graded`, and the column off.
        """
        rows = self.graded[(self.graded["protocol"] == protocol) & ~self.graded["agreed"]]
        off = (rows["mark"] - rows["gold"]).abs() / rows["max_score"]
        ranked = rows.assign(off=off.round(9)).sort_values(
            ["off", "confidence", "answer_id"], ascending=[False, False, True]
        )
        return ranked.groupby("item_id").head(3).head(n).reset_index(drop=True)

    def to_json(self) -> str:
        """Plain JSON; NaN is null."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> Evaluation:
        """What `to_json` wrote. Raises InputError for anything else."""
        return read_json(_ADAPTER, text, "an evaluation", "evaluate again")


_ADAPTER = TypeAdapter(Evaluation)


def evaluate(
    predictions: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    threshold: float,
    tolerance: float = 0.1,
    promised: float = 0.9,
    seed: int = 0,
    items: pd.DataFrame | None = None,
) -> Evaluation:
    """The evaluation of `predictions` (contract Predictions) on the test rows of `answers`.

    `answers` is under contract Answers with the columns split and protocol, of all splits: training rows
    tell copies and the trivial baseline. An optional column expected_total is a paper's human total
    where only that is known. `items` (contract Items) gives items their printed numbers.
    Raises InputError when no test answer has both a human score and a prediction.
    """
    terms = Terms(tolerance, promised, threshold, seed)
    test = answers[answers["split"] == Split.TEST.value]
    graded = grade_frame(predictions, answers, terms, items)
    scored = graded[graded["gold"].notna()].reset_index(drop=True)
    if scored.empty:
        raise InputError(
            f"none of the {len(test)} test answers has both a human score and a prediction: "
            "add scored answers, or make the test split larger"
        )
    papers = by_paper(graded, answers)
    return Evaluation(
        tolerance=tolerance,
        promised=promised,
        threshold=threshold,
        seed=seed,
        n_unscored=int(test["gold"].isna().sum()),
        n_ungraded=int(test["gold"].notna().sum()) - len(scored),
        metrics=_metrics(scored, papers, terms),
        items=_by_protocol(scored, by_item),
        calibration=_by_protocol(scored, by_confidence),
        referral=_by_protocol(scored, by_referral),
        confusion=_by_protocol(scored, by_mark),
        papers=papers,
        graded=scored,
    )


def _protocols_in(scored: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for protocol in Protocol:
        part = scored[scored["protocol"] == protocol.value]
        if len(part):
            yield protocol.value, part


def _by_protocol(scored: pd.DataFrame, describe: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    parts = []
    for protocol, part in _protocols_in(scored):
        described = describe(part)
        described.insert(0, "protocol", protocol)
        parts.append(described)
    return pd.concat(parts, ignore_index=True)


def _metrics(scored: pd.DataFrame, papers: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    rows = [
        {"protocol": protocol, **asdict(figure)}
        for protocol, part in _protocols_in(scored)
        for figure in _figures(part, terms)
    ]
    rows += [{"protocol": ALL, **asdict(figure)} for figure in _paper_figures(papers, terms)]
    return pd.DataFrame(Metrics.validate(pd.DataFrame(rows)))


def _figures(part: pd.DataFrame, terms: Terms) -> Iterator[Figure]:
    model = marking_of(part)
    yield from figures_of(model, terms)
    yield from _calibration_figures(part, model, terms)
    yield from _automatic_figures(part, terms)
    for name, column in (("without_copies.", "copy"), ("without_blanks.", "blank")):
        kept = part[~part[column]]
        if 0 < len(kept) < len(part):
            yield from figures_of(marking_of(kept), terms, name)
    yield from _human_figures(part[part["second_gold"].notna()], terms)
    yield from _baseline_figures(part, terms)


def _calibration_figures(part: pd.DataFrame, model: Marking, terms: Terms) -> Iterator[Figure]:
    bins = by_confidence(part)
    gaps = (bins["confidence"] - bins["agreement"]).abs()
    nan = float("nan")
    yield Figure("ece", float((gaps * bins["n"]).sum() / len(part)), nan, nan, len(part))
    surplus = (part["confidence"] - part["agreed"]).to_numpy(dtype=float)
    yield figure_of_mean("overconfidence", surplus, model, terms.seed)


def _automatic_figures(part: pd.DataFrame, terms: Terms) -> Iterator[Figure]:
    yield figure_of_mean(
        "automatic.share", part["automatic"].to_numpy(dtype=float), marking_of(part), terms.seed
    )
    automatic = part[part["automatic"]]
    if len(automatic):
        agreed = automatic["agreed"].to_numpy(dtype=float)
        yield figure_of_mean("automatic.agreement", agreed, marking_of(automatic), terms.seed)


def _human_figures(both: pd.DataFrame, terms: Terms) -> Iterator[Figure]:
    if both.empty:
        return
    human = marking_of(both, score="second_gold", mark="second_gold")
    model = marking_of(both)
    yield from figures_of(human, terms, "human.")
    yield from figures_of(model, terms, "model_with_human.")
    yield from figures_of(marking_of(both, gold="second_gold"), terms, "model_to_second.")
    yield advantage("over_human.qwk", qwk, model, human, terms.seed)


def _baseline_figures(part: pd.DataFrame, terms: Terms) -> Iterator[Figure]:
    known = part[part["item_mean"].notna()]
    if known.empty:
        return
    trivial = marking_of(known, score="item_mean", mark="item_mean_mark")
    yield from figures_of(trivial, terms, "item_mean.")
    yield advantage("over_item_mean.qwk", qwk, marking_of(known), trivial, terms.seed)
    yield advantage("over_item_mean.rmse", rmse, marking_of(known), trivial, terms.seed)


def _paper_figures(papers: pd.DataFrame, terms: Terms) -> Iterator[Figure]:
    if len(papers) < 2 or (papers["n"] < 2).all():
        return
    # A total has no grid: no figure of steps is taken from it.
    totals = marking_of(papers.assign(step=1.0), score="mark")
    yield from figures_of(totals, terms, "papers.", _PAPER_METRICS)
