"""The facts of a report: every logged figure under a name, with the words that must go with it.

A text about the figures cites them by these names, and `domain.grading.claims` holds it to them. Nothing in
a fact was written by a student, a guide or a file's name: items are called I1, I2 and so on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from domain.grading.evaluation import ALL, Evaluation
from domain.grading.report_input import ReportInput
from domain.kinds import Protocol
from domain.reports.wording import Finding

Unit = Literal["index", "share", "count", "marks", "seconds", "usd", "tokens"]
"""index: a number such as a kappa or a correlation; share: 0.85 is 85 %."""
Better = Literal["higher", "lower", ""]
"""Which way is good, where one is."""


@dataclass(frozen=True)
class Fact:
    """One figure. `words` are those of which a sentence about it must hold one.

    `aspects` place it: ("new", "human") is of the second examiner on new items. `better` says which way is
    good. A `difference` is signed: how much higher the first of the two is.
    """

    id: str
    name: str
    value: float
    unit: Unit
    words: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    n: int | None = None
    aspects: tuple[str, ...] = ()
    measure: str = ""
    better: Better = ""
    difference: bool = False


@dataclass(frozen=True)
class Facts:
    """Facts by id, what the computed findings conclude, and the items' printed labels by their names."""

    known: dict[str, Fact]
    conclusions: tuple[str, ...] = ()
    labels: dict[str, str] | None = None


@dataclass(frozen=True)
class _Measure:
    name: str
    unit: Unit
    words: tuple[str, ...]
    better: Better = "higher"


MEASURES: dict[str, _Measure] = {
    "qwk": _Measure("QWK", "index", ("qwk", "kappa")),
    "pearson": _Measure("Pearson correlation", "index", ("pearson", "linear correlation")),
    "spearman": _Measure("Spearman correlation", "index", ("spearman", "rank correlation")),
    "macro_f1": _Measure("macro-F1", "index", ("f1",)),
    "agreement": _Measure("agreement within the tolerance", "share", ("agree", "within", "tolerance")),
    "exact": _Measure("exact agreement", "share", ("exact", "identical")),
    "adjacent": _Measure("agreement within a step of the grid", "share", ("adjacent",)),
    "rmse": _Measure("RMSE, as a share of max_score", "share", ("rmse",), "lower"),
    "mae": _Measure("mean absolute error, as a share of max_score", "share", ("mae", "absolute error"),
                    "lower"),
    "rmse_marks": _Measure("RMSE in marks", "marks", ("rmse",), "lower"),
    "mae_marks": _Measure("mean absolute error in marks", "marks", ("mae", "absolute error"), "lower"),
    "bias": _Measure("bias: mean of mark minus examiner's, as a share of max_score", "share",
                     ("bias", "kind", "severe", "lenient", "generous", "harsh"), ""),
    "ece": _Measure("calibration error", "share", ("calibration",), "lower"),
    "overconfidence": _Measure("confidence minus agreement", "share", ("confiden",), ""),
    "share": _Measure("share of answers graded without a human", "share",
                      ("without a human", "automatic"), "higher"),
}  # fmt: skip
_PREFIXES = {
    "without_copies": ("the model, without copies of training answers", ("no_copies",)),
    "without_blanks": ("the model, without blank answers", ("no_blanks",)),
    "automatic": ("the model", ("automatic",)),
    "human": ("a second examiner against the first", ("human",)),
    "model_with_human": ("the model, on answers that two examiners marked", ("twice",)),
    "model_to_second": ("the model against the second examiner", ("to_second",)),
    "item_mean": ("the baseline, the item's mean mark for every answer", ("baseline",)),
    "papers": ("the model, totals of whole papers", ("papers",)),
}
_OVER = {
    "over_human": ("the model's minus the second examiner's", ("second examiner", "human")),
    "over_item_mean": ("the model's minus the baseline's", ("baseline", "mean mark")),
}
COMPARING = (
    "differ", "than", "above", "below", "more", "less", "better", "worse", "gain", "advantage", "ahead",
    "behind", "higher", "lower", "over", "under", "rose", "fell", "improve", "lost", "loss", "drop",
)  # fmt: skip
_WHERE = {
    Protocol.UNSEEN_ANSWERS.value: ("known", "new answers to known items"),
    Protocol.UNSEEN_ITEMS.value: ("new", "answers to new items"),
    ALL: ("all", "all test answers"),
}
_MOST_ITEMS = 12
_OF_ITEMS: tuple[tuple[str, Unit, tuple[str, ...], Better], ...] = (
    ("agreement", "share", MEASURES["agreement"].words, "higher"),
    ("human_agreement", "share", ("examiners", "second examiner"), "higher"),
    ("qwk", "index", MEASURES["qwk"].words, "higher"),
    ("mean_gold", "marks", ("mean", "average"), ""),
    ("mean_mark", "marks", ("mean", "average"), ""),
    ("max_score", "marks", ("out of", "worth", "maximum"), ""),
    ("n", "count", ("answer",), ""),
    ("n_training", "count", ("training", "trained"), ""),
)


def facts_of(report: ReportInput, findings: tuple[Finding, ...] = ()) -> Facts:
    """Every logged figure of the report that is a number, and what `findings` conclude in words."""
    labels = _labels(report.evaluation)
    found = [
        *_measured(report.evaluation),
        *_promises(report.evaluation),
        *_of_items(report.evaluation, labels),
        *_of_training(report),
        *_of_data(report),
        *_of_language_models(report),
    ]
    known = {fact.id: _clean(fact) for fact in found if math.isfinite(fact.value)}
    return Facts(known, tuple(_conclusions(findings)), labels)


def _clean(fact: Fact) -> Fact:
    """Without the last bits of arithmetic: −2e-16 is 0."""
    low, high = (None if end is None else round(end, 9) + 0.0 for end in (fact.low, fact.high))
    return replace(fact, value=round(fact.value, 9) + 0.0, low=low, high=high)


def _measured(evaluation: Evaluation) -> Iterator[Fact]:
    for row in evaluation.metrics.itertuples():
        fact = _metric(str(row.protocol), str(row.metric), evaluation)
        if fact is not None:
            yield fact
    known, new = (evaluation.figure(p.value, "qwk").value for p in Protocol)
    yield Fact(
        "new_minus_known.qwk", "QWK on new items minus QWK on known items", new - known, "index",
        ("new items",), aspects=("new",), measure="qwk", better="higher", difference=True,
    )  # fmt: skip


def _metric(protocol: str, metric: str, evaluation: Evaluation) -> Fact | None:
    prefix, _, name = metric.rpartition(".")
    measure = MEASURES.get(name)
    if measure is None or (name == "share") != (prefix == "automatic" and name == "share"):
        return None
    interval = evaluation.figure(protocol, metric)
    where, said = _WHERE[protocol]
    difference = prefix in _OVER
    who, aspects = _OVER[prefix] if difference else _PREFIXES.get(prefix, ("the model", ()))
    bounds = (interval.low, interval.high) if math.isfinite(interval.low) else (None, None)
    return Fact(
        id=f"{_short(where)}{metric}",
        name=f"{measure.name}; {who}; {said}",
        value=interval.value,
        unit=measure.unit,
        words=_OVER[prefix][1] if difference else measure.words,
        low=bounds[0],
        high=bounds[1],
        n=interval.n,
        aspects=(where, *(("versus",) if difference else aspects)),
        measure=name,
        better=measure.better,
        difference=difference or name in ("bias", "overconfidence"),
    )


def _short(where: str) -> str:
    """The easier protocol goes without a prefix."""
    return {"known": "", "all": "", "new": "new."}[where]


def _promises(evaluation: Evaluation) -> Iterator[Fact]:
    yield Fact("promised", "agreement that was promised", evaluation.promised, "share", ("promise",))
    yield Fact(
        "tolerance", "tolerance within which marks agree, as a share of max_score", evaluation.tolerance,
        "share", ("within", "toleran"),
    )  # fmt: skip
    if evaluation.threshold <= 1:
        yield Fact(
            "threshold", "confidence from which on the model's mark is kept", evaluation.threshold, "share",
            ("confiden", "threshold"),
        )  # fmt: skip
    for protocol in evaluation.protocols:
        where, said = _WHERE[protocol]
        graded = evaluation.graded[evaluation.graded["protocol"] == protocol]
        n = len(graded)
        yield _count(f"{_short(where)}n", f"graded test answers: {said}", n, ("answer",), aspects=(where,))
        yield _count(
            f"{_short(where)}n_automatic", f"test answers graded without a human: {said}",
            int(graded["automatic"].sum()), ("without a human", "automatic"), of=n,
            aspects=(where, "automatic"),
        )  # fmt: skip
        for column, words in (("copy", ("cop", "repeat", "word for word")), ("blank", ("blank",))):
            yield Fact(
                f"{_short(where)}{column}.share", f"share of {said} that are {column}",
                float(graded[column].mean()), "share", words, n=n, aspects=(where,),
            )  # fmt: skip
    yield _count("n_unscored", "test answers without a human score", evaluation.n_unscored, ("score",))
    yield _count("n_ungraded", "test answers that the model gave no grade", evaluation.n_ungraded, ("grade",))


def _count(
    name: str,
    said: str,
    n: int,
    words: tuple[str, ...],
    *,
    of: int | None = None,
    aspects: tuple[str, ...] = (),
) -> Fact:
    return Fact(name, said, float(n), "count", words, n=of, aspects=aspects)


def _labels(evaluation: Evaluation) -> dict[str, str]:
    """I1, I2, … for the items that have facts: the ones that agree least, in their printed order."""
    items = evaluation.items
    chosen = items.loc[sorted(items["agreement"].nsmallest(_MOST_ITEMS).index)]
    return {f"I{k}": str(label) for k, label in enumerate(chosen["label"], 1)}


def _of_items(evaluation: Evaluation, labels: dict[str, str]) -> Iterator[Fact]:
    items = evaluation.items
    chosen = items.loc[sorted(items["agreement"].nsmallest(_MOST_ITEMS).index)]
    for name, item in zip(labels, chosen.itertuples(), strict=True):
        aspects = (name, _WHERE[str(item.protocol)][0])
        for column, unit, words, better in _OF_ITEMS:
            yield Fact(
                f"{name}.{column}", f"{column.replace('_', ' ')} of item {name}",
                float(getattr(item, column)),
                unit, words, n=int(item.n) if column in ("agreement", "qwk") else None, aspects=aspects,
                measure=column if column in MEASURES else "", better=better,
            )  # fmt: skip


def _of_training(report: ReportInput) -> Iterator[Fact]:
    curve, objective = report.iterations, report.objective
    yield _count("training.n", "iterations of training", len(curve), ("iteration",))
    yield Fact(
        "training.seconds", "time of the training iterations", float(curve["seconds"].sum()), "seconds",
        ("train", "iteration"),
    )  # fmt: skip
    if objective not in curve or curve[objective].isna().all():
        return
    curve = curve.sort_values("iteration")
    values = curve[objective].astype(float)
    best = values.idxmax()
    words = ("validation", "iteration", "training")
    measure = MEASURES.get(objective)
    unit: Unit = measure.unit if measure else "index"
    for name, at in (("first", values.index[0]), ("best", best), ("last", values.index[-1])):
        yield Fact(
            f"training.{name}", f"{objective} on validation at the {name} iteration", float(values[at]), unit,
            words, aspects=("validation",), measure=objective if measure else "", better="higher",
        )  # fmt: skip
    yield _count(
        "training.best_iteration",
        "number of the best iteration",
        int(curve["iteration"][best]),
        ("iteration",),
    )
    yield Fact(
        "training.gain", f"{objective} on validation, best minus first iteration",
        float(values[best] - values.iloc[0]), unit, words, aspects=("validation",),
        measure=objective if measure else "", better="higher", difference=True,
    )  # fmt: skip


def _of_data(report: ReportInput) -> Iterator[Fact]:
    data = report.data
    yield _count("data.answers", "answers in the dataset", data.n_answers, ("answer",))
    yield _count("data.students", "students in the dataset", data.n_students, ("student",))
    yield _count("data.items", "items in the dataset", data.n_items, ("item", "question"))
    for split, n in data.splits.items():
        if split in ("train", "validation", "test"):
            yield _count(f"data.{split}", f"answers of the split {split}", n, (split, "answer"))
    yield _count("data.blank", "blank answers", data.n_blank, ("blank",))
    yield _count("data.unscored", "answers without a human score", data.n_unscored, ("score",))
    yield _count("data.quarantined", "rows in quarantine", data.n_quarantined, ("quarantine",))
    for name, rows in (
        ("duplicates", data.duplicates), ("near_duplicates", data.near_duplicates),
        ("unreadable", data.unreadable), ("unbalanced", data.unbalanced),
    ):  # fmt: skip
        said = {"unreadable": "files that could not be used", "unbalanced": "guides that do not add up"}
        words = {"unreadable": ("file", "read"), "unbalanced": ("guide",)}.get(name, ("duplicate",))
        yield _count(f"data.{name}", said.get(name, name.replace("_", " ")), len(rows), words)


def _of_language_models(report: ReportInput) -> Iterator[Fact]:
    if report.language_models is None:
        return
    section = report.language_models.of_the_grader()
    if not (section.uses or section.n_asked or section.tokens_per_answer):
        return
    yield _count(
        "llm.calls", "calls to language models that were paid for", section.n_calls, ("call", "request")
    )
    yield Fact("llm.tokens", "tokens paid for", float(section.n_tokens), "tokens", ("token",))
    for name, said, value, unit, words in (
        ("llm.cost", "cost of language models to train and grade", section.cost_usd, "usd",
         ("cost", "spent")),
        ("llm.cost_per_1000", "cost of grading 1,000 answers", section.cost_usd_per_1000_answers, "usd",
         ("cost", "spent")),
        ("llm.tokens_per_answer", "tokens for an answer", section.tokens_per_answer, "tokens", ("token",)),
        ("llm.seconds", "time of a reply", section.seconds_per_reply, "seconds", ("repl", "latency")),
        ("llm.injection_success", "share of attacks that earned marks unseen by a human",
         section.injection_success_rate, "share", ("attack", "injection")),
        ("llm.injection_false_alarms", "share of innocent look-alikes that were flagged",
         section.injection_false_alarm_rate, "share", ("alarm", "innocent", "look-alike")),
    ):  # fmt: skip
        if value is not None:
            yield Fact(name, said, value, unit, words)  # type: ignore[arg-type]
    if section.n_asked:
        for name, n, words in (
            ("valid", section.n_valid_at_once, ("valid",)),
            ("repaired", section.n_repaired, ("repair",)),
            ("without_reply", section.n_without_reply, ("repl", "unreadable", "unanswered")),
            ("reused", section.n_reused, ("reused", "earlier")),
        ):
            yield _count(f"llm.{name}", f"requests: {name.replace('_', ' ')}", n, words, of=section.n_asked)


def _conclusions(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Titles alone, and only those without figures or the names of items and files."""
    for finding in findings:
        if not any(char.isdigit() for char in finding.title) and not finding.title.startswith("Weakest"):
            yield f"{finding.severity.value}: {finding.title}"
