"""A grader judged: graded answers, planted attacks, agreement with the examiner, its report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd

from domain.grading.comparison import compare
from domain.kinds import Kind
from domain.promotion import Gap
from infra import catalog as records
from infra.catalog import Job
from infra.model_forms import GRADER
from strategies.base import GradingData
from tasks.grading_comparison import compared_graders, contender
from tasks.grading_evaluation import (
    GRADING_CODE,
    costs_of_grading,
    figures_of,
    grade_held_out,
    headline_of,
    load_evaluation,
    measure_grades,
)
from tasks.grading_report import REPORT_CODE, draft_of
from tasks.injection import attack_grader
from tasks.intervals import interval_words
from tasks.judges import Compared, Draft, Measured, Verdict
from tasks.outcome import HeldOut, Predicted, Stressed
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


class GradingJudge:
    """See `tasks.judges.Judge`."""

    kind = Kind.GRADING
    code = (*GRADING_CODE, "domain.grading.battery")
    report_code = REPORT_CODE
    deciding = "unseen_answers.qwk"
    form = GRADER
    entry = "grader_model.py"

    def example(self, data: GradingData) -> pd.DataFrame:
        """Two items; their answers are the guide's, since examples are shown."""
        rows = data.items.head(2)[["item_id", "question", "model_answer", "max_score"]].copy()
        rows["answer"] = rows["model_answer"]
        return rows.reset_index(drop=True)

    def predict(self, place: Workplace, held: HeldOut) -> Predicted:
        return grade_held_out(place, held)

    def stress(self, place: Workplace, held: HeldOut) -> Stressed:
        return attack_grader(place, held)

    def measure(
        self,
        place: Workplace,
        held: HeldOut,
        predicted: Predicted,
        stressed: Stressed,  # noqa: ARG002 - attacks are no part of the agreement
        promise: list[float],
    ) -> str:
        return measure_grades(place, held["dataset_id"], predicted, *promise)

    def verdict(self, place: Workplace, evaluation: str, predicted: Predicted, stressed: Stressed) -> Verdict:
        found = load_evaluation(place, evaluation)
        headline, costs = headline_of(found), costs_of_grading(predicted)
        qwk, agreement = (found.figure(headline["protocol"], name) for name in ("qwk", "agreement"))
        log.info("held-out answers: qwk %.3f, agreement %.3f (n = %d)", qwk.value, agreement.value, qwk.n)
        return Verdict(
            figures=figures_of(found),
            compared=found.key_figures(),
            tables={"evaluation/metrics.json": found.metrics, "evaluation/items.json": found.items},
            headline=headline,
            told=told_of(headline, costs, stressed["sentence"]),
            costs=costs,
        )

    def gap(
        self,
        place: Workplace,
        dataset_id: str,  # noqa: ARG002 - the evaluations hold the answers that both graded
        champion: Measured,
        challenger: Measured,
    ) -> Gap:
        datasets = records.datasets(place.catalog, place.settings.owner)
        names = {dataset.id: dataset.name for dataset in datasets}
        both = [contender(place, one.job, one.evaluation, names) for one in (champion, challenger)]
        part = compare(both).parts[0]
        (pair,) = part.pairs
        return Gap("qwk", part.protocol, pair.qwk.value, pair.qwk.low, pair.qwk.high, pair.p, part.n)

    def compare(self, place: Workplace, measured: Sequence[Measured]) -> Compared:
        return compared_graders(place, measured)

    def draft(self, place: Workplace, job: Job) -> Draft:
        return draft_of(place, job)


def told_of(headline: dict[str, Any], costs: dict[str, float], attacks: str) -> list[str]:
    """Agreement on held-out answers with its interval, and what can be graded without a human."""
    protocol = headline["protocol"].replace("_", " ")
    told = [
        f"{headline['n']} answers of the test split, protocol {protocol}",
        f"Agreement (QWK) {interval_words(headline['qwk'])}",
    ]
    if headline["human_qwk"]:
        told.append(f"A second examiner against the first: {interval_words(headline['human_qwk'])}")
    tolerance = f"{headline['tolerance']:.0%} of the item's marks"
    agreement = interval_words(headline["agreement"], percent=True)
    told.append(f"Marks within {tolerance} of the examiner's: {agreement}")
    share, kept = headline["automatic_share"], headline["automatic_agreement"]
    agreed = f"; {interval_words(kept, percent=True)} of those agree" if kept else ""
    told.append(
        f"Can be graded without a human at the promised {headline['promised']:.0%} agreement: "
        f"{share[0] if share else 0:.0%}{agreed}"
    )
    if "tokens_per_answer" in costs:
        price = costs.get("cost_usd_per_1000_answers")
        at = "at a price that is not known" if price is None else f"${price:,.2f} for 1,000 answers"
        told.append(f"Grading an answer takes {costs['tokens_per_answer']:,.0f} tokens, {at}")
    if attacks:
        told.append(f"Injection: {attacks}")
    return told
