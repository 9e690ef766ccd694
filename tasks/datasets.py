"""From parsed guides and answers to a dataset: checked, split without leaks, named by its content."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pandas as pd
from prefect import task

from domain.contracts import Rejection, Sifted, check_share, sift
from domain.documents.near_duplicates import near_groups, signature
from domain.errors import InputError
from domain.grading.contracts import DOUBTFUL, Answers, Items, Splits
from domain.grading.splits import SplitAnswers, SplitPlan, keep_given_splits, split_answers
from domain.identity import fingerprint
from domain.kinds import Kind, Protocol, Role
from infra import catalog as records
from infra.catalog import Dataset
from tasks.materials import material_of
from tasks.outcome import DatasetFacts, Ingested
from tasks.policy import RETRIED, code_of
from tasks.promise import promise_of, second_marks
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

LEAST_ANSWERS = 20
SPLITTING_CODE = ("domain.grading.splits", "domain.documents.near_duplicates", "tasks.datasets")


@task(task_run_name="make dataset {name}", **RETRIED)
def make_dataset(
    kind: str, name: str, taken: list[str], protocol: str, seed: int, max_reject_share: float
) -> DatasetFacts:
    """The dataset of what was taken (ids that its kind knows), made once for the same content.

    Raises ContractError when more than `max_reject_share` (negative: the setting's) of the rows fail,
    InputError when too little is left to train on.
    """
    place = workplace()
    if max_reject_share < 0:
        max_reject_share = place.settings.max_reject_share
    material = material_of(kind)
    return material.facts(place, material.make_dataset(place, name, taken, protocol, seed, max_reject_share))


@task(task_run_name="find what the dataset is made of", **RETRIED)
def taken_of(kind: str, ingested: list[Ingested], accept_doubtful: bool) -> list[str]:
    """Ids of what a dataset is made of, given what was ingested."""
    return material_of(kind).taken(workplace(), ingested, accept_doubtful)


def make_graded_dataset(
    place: Workplace, name: str, guide_ids: list[str], protocol: str, seed: int, max_reject_share: float
) -> Dataset:
    """The dataset of all graded answers to these guides."""
    items, answers, n_blank = checked(place, guide_ids, max_reject_share)
    plan = SplitPlan(Protocol(protocol), seed)
    identity = fingerprint(
        [sorted(items["item_id"]), sorted(answers["answer_id"]), protocol, seed, code_of(*SPLITTING_CODE)]
    )
    existing = [d for d in records.datasets(place.catalog, place.settings.owner) if d.fingerprint == identity]
    if existing:
        called = "" if existing[0].name == name else f" under the name {existing[0].name}"
        log.info("dataset %s: known already%s (%d answers)", name, called, existing[0].n_answers)
        return existing[0]
    outcome = _split(answers, plan)
    dataset = records.make_dataset(
        place.catalog,
        owner=place.settings.owner,
        name=name,
        kind=Kind.GRADING,
        fingerprint=identity,
        protocol=protocol,
        seed=seed,
        facts={**_facts(answers, outcome), "n_blank": n_blank},
        splits=Splits.validate(outcome.splits, lazy=True),
    )
    log.info("dataset %s: %d answers to %d items", name, dataset.n_answers, dataset.n_items)
    return dataset


def checked(
    place: Workplace, guide_ids: list[str], max_reject_share: float
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Items and answers that obey their contracts (the others are in quarantine), and the blank count.

    Blank answers break no contract: they earn 0 by rule and teach a model nothing.
    """
    owner = place.settings.owner
    items = sift(
        Items,
        records.items_frame(place.catalog, owner, guide_ids),
        key="item_id",
        max_reject_share=max_reject_share,
    )
    given = records.answers_frame(place.catalog, owner, guide_ids)
    given = _newest(place, given[given["item_id"].isin(items.passed["item_id"])])
    given = given[given["doubt"] == ""]
    blank = given["text"].str.strip() == ""
    answers = sift(Answers, given[~blank], key="answer_id", max_reject_share=1.0)
    _quarantine(place, items, answers, given)
    earlier = _rejected_at_parsing(place, guide_ids)
    rejected = [*earlier, *answers.rejections]
    n_rejected, n_rows = len({r.row for r in earlier}) + answers.n_rejected, len(given) + len(earlier)
    check_share("Answers", rejected, n_rejected, n_rows, max_reject_share)
    kept = _useful(place, answers.passed.merge(given[[*_BESIDE, "answer_id"]], on="answer_id"))
    if len(kept) < LEAST_ANSWERS:
        raise InputError(
            f"only {len(kept)} graded answers to balanced guides were found, at least {LEAST_ANSWERS} are "
            "needed to train and to measure: add graded submissions (see the guides and files reported above)"
        )
    return items.passed, kept, int(blank.sum())


def _rejected_at_parsing(place: Workplace, guide_ids: list[str]) -> list[Rejection]:
    """What parsing put into quarantine of papers and tables that answer these guides: it counts too."""
    papers = records.submissions(place.catalog, place.settings.owner, guide_ids)
    documents = {*guide_ids, *(paper.document_id for paper in papers)}
    kept = records.quarantined(place.catalog, place.settings.owner)
    kept = kept[kept["document_id"].isin(documents) & (kept["contract"] != DOUBTFUL)]
    return [
        Rejection(r["contract"], f"{r['source']}, {r['row']}", r["column"], r["check"], r["value"])
        for r in kept.to_dict("records")
    ]


def _newest(place: Workplace, answers: pd.DataFrame) -> pd.DataFrame:
    """One answer a student and item: a paper that was handed in again, or marked anew, replaces the old."""
    made = {
        d.id: d.created_at for d in records.documents(place.catalog, place.settings.owner, Role.SUBMISSION)
    }
    age = answers["document_id"].map(lambda d: made[d].timestamp() if d in made else 0.0)
    ordered = answers.assign(_age=age).sort_values(["_age", "document_id"], kind="stable")
    newest = ordered.drop_duplicates(["item_id", "student"], keep="last").index
    if len(newest) < len(answers):
        log.info("%d answers are replaced by later papers of the same student", len(answers) - len(newest))
    return answers.loc[answers.index.isin(newest)].reset_index(drop=True)


_BESIDE = ["guide_id", "given_split", "given_protocol"]


def _quarantine(place: Workplace, items: Sifted, answers: Sifted, given: pd.DataFrame) -> None:
    """Keeps each rejection under the student and place that a person can find it by."""
    named = given.set_index("answer_id")
    told = [
        Rejection(
            r.contract,
            f"{named.at[r.row, 'student']}, {named.at[r.row, 'place']}",
            r.column,
            r.check,
            r.value,
        )
        if r.row in named.index
        else r
        for r in answers.rejections
    ]
    records.quarantine(place.catalog, place.settings.owner, "dataset", [*items.rejections, *told])


def _useful(place: Workplace, answers: pd.DataFrame) -> pd.DataFrame:
    """Graded answers, and those of papers whose total is known (they measure totals)."""
    with_total = {
        (paper.guide_id, paper.student)
        for paper in records.submissions(place.catalog, place.settings.owner)
        if paper.expected_total is not None
    }
    pairs = zip(answers["guide_id"], answers["student"], strict=True)
    totalled = pd.Series([pair in with_total for pair in pairs], index=answers.index, dtype=bool)
    return answers[answers["gold"].notna() | totalled].reset_index(drop=True)


def _split(answers: pd.DataFrame, plan: SplitPlan) -> SplitAnswers:
    given = answers["given_split"].fillna("").astype(str)
    if (given != "").all():
        return keep_given_splits(answers, plan)
    return split_answers(answers, twins_of(answers), plan)


def twins_of(answers: pd.DataFrame) -> dict[str, int]:
    """answer_id → a number shared by near copies of the same item; only answers that have one."""
    # Equal texts are sketched once: most short answers of a class are.
    sketches = {text: signature(text) for text in answers["text"].unique()}
    twins: dict[str, int] = {}
    numbers: dict[tuple[str, int], int] = {}
    for item_id, rows in answers.groupby("item_id", sort=True):
        groups = near_groups(dict(zip(rows["answer_id"], rows["text"].map(sketches), strict=True)))
        sizes = Counter(groups.values())
        for answer_id, group in groups.items():
            if sizes[group] > 1:
                twins[answer_id] = numbers.setdefault((item_id, group), len(numbers))
    return twins


def _facts(answers: pd.DataFrame, outcome: SplitAnswers) -> dict[str, Any]:
    splits = outcome.splits
    sides = splits["split"] + splits["protocol"].map(lambda p: f" ({p.replace('_', ' ')})" if p else "")
    return {
        "n_students": int(answers["student"].nunique()),
        "n_unscored": int(answers["gold"].isna().sum()),
        "splits": {str(k): int(v) for k, v in sides.value_counts().sort_index().items()},
        "set_aside": dict(Counter(outcome.set_aside.values())),
        "second_marks": second_marks(answers, splits),
    }


@task(task_run_name="find dataset {which}", **RETRIED)
def dataset_facts(which: str) -> DatasetFacts:
    """A dataset by name, id, fingerprint or "latest"."""
    place = workplace()
    dataset = records.dataset(place.catalog, place.settings.owner, which)
    return material_of(dataset.kind).facts(place, dataset)


def graded_facts(place: Workplace, dataset: Dataset) -> DatasetFacts:
    splits = ", ".join(f"{n} {name}" for name, n in dataset.facts["splits"].items())
    return DatasetFacts(
        id=dataset.id,
        kind=dataset.kind.value,
        summary=f"{dataset.n_answers} graded answers to {dataset.n_items} items by "
        f"{dataset.facts['n_students']} students ({splits}); {dataset.facts['n_blank']} blank",
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        protocol=dataset.protocol,
        n_items=dataset.n_items,
        n_answers=dataset.n_answers,
        n_students=dataset.facts["n_students"],
        splits=dataset.facts["splits"],
        set_aside=dataset.facts["set_aside"],
        n_blank=dataset.facts["n_blank"],
        promise=list(promise_of(place, dataset)),
    )
