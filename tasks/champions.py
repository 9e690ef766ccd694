"""Champion and challenger: a new version meets the champion on the same held-out answers.

A decision is taken once for what was measured: running an evaluation again repeats none, so that a version
which a person has put back since stays where it was put.
"""

from __future__ import annotations

import logging
from typing import TypedDict

from prefect import task

from domain.errors import InputError
from domain.identity import fingerprint
from domain.promotion import Decision, Gap, Rule, decide
from infra import catalog as records
from infra.catalog import Job
from infra.model_registry import CONTENT_TAG, ModelRegistry, ModelVersion
from tasks.judges import Measured, judge_of
from tasks.policy import RETRIED
from tasks.runs import TrainedModelFacts
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_KEY_TAG = "promotion.key"


class Promotion(TypedDict):
    """Whether the job's version is champion now, and the decision in a sentence."""

    champion: bool
    promotion: str


@task(task_run_name="find champion to meet", **RETRIED)
def champion_to_meet(job_id: str, promote: str) -> TrainedModelFacts | None:
    """The champion, where it is another job's model that was not measured on the job's dataset yet."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    champion = ModelRegistry(place.tracking).champion(job.model_name)
    if champion is None or str(champion.version) == job.model_version or promote == Rule.NEVER:
        return None
    rival = _job_of(place, champion)
    if rival is None or records.find_evaluation(place.catalog, rival.id, dataset_id=job.dataset_id):
        return None
    return TrainedModelFacts(
        job_id=rival.id,
        kind=rival.kind.value,
        dataset_id=rival.dataset_id,
        uri=champion.uri,
        content=champion.tags[CONTENT_TAG],
    )


@task(task_run_name="choose champion", **RETRIED)
def choose_champion(job_id: str, promote: str, obstacle: str = "") -> Promotion:
    """Promotes the job's version where it is to be; tags it with the decision and its numbers.

    `obstacle` says why the champion could not be measured, where it could not.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    registry = ModelRegistry(place.tracking)
    mine = registry.find(f"models:/{job.model_name}/{job.model_version}")
    champion = registry.champion(mine.name)
    if champion is not None and champion.version == mine.version:
        return Promotion(champion=True, promotion=mine.tags.get("promotion.reason", ""))
    decision, key = _decided(place, job, champion, Rule(promote), obstacle)
    if decision.rule is not Rule.ALWAYS and mine.tags.get(_KEY_TAG) == key:
        return Promotion(champion=False, promotion=f"decided before: {mine.tags['promotion.reason']}")
    registry.tag(mine.name, mine.version, decision.tags())
    if decision.promoted:
        registry.promote(mine.name, mine.version)
    # Last: a decision that was broken off is taken again.
    registry.tag(mine.name, mine.version, {_KEY_TAG: key})
    log.info(
        "%s version %d %s: %s",
        mine.name,
        mine.version,
        "is the champion" if decision.promoted else "stays a challenger",
        decision.reason,
    )
    return Promotion(champion=decision.promoted, promotion=decision.reason)


def promotion_of(place: Workplace, job: Job) -> str:
    """What was decided of the job's version, in a sentence; "" where nothing was."""
    if not job.model_name or not job.model_version:
        return ""
    tags = ModelRegistry(place.tracking).find(f"models:/{job.model_name}/{job.model_version}").tags
    if "promotion.reason" not in tags:
        return ""
    stands = "Promoted to champion" if tags["promotion.decision"] == "promoted" else "A challenger"
    return f"{stands}: {tags['promotion.reason']}."


def _decided(
    place: Workplace, job: Job, champion: ModelVersion | None, rule: Rule, obstacle: str
) -> tuple[Decision, str]:
    """The decision, and the identity of what it was taken on."""
    if champion is None:
        return decide(rule, "", None), fingerprint([rule, job.id])
    name = f"version {champion.version}"
    gap, seen = None, [""]
    rival = _job_of(place, champion)
    if rival is None:
        obstacle = obstacle or f"{name} was trained elsewhere and has no job here to be measured by"
    elif not obstacle:
        try:
            gap, seen = _gap(place, rival, job)
        except InputError as error:
            obstacle = str(error)
    return decide(rule, name, gap, obstacle), fingerprint([rule, champion.version, seen])


def _gap(place: Workplace, champion: Job, challenger: Job) -> tuple[Gap, list[str]]:
    """The challenger's gain on its own dataset's test, and the ids of what was compared.

    Raises InputError where one is not evaluated there, or the champion learnt from every answer of it.
    """
    found = [
        records.find_evaluation(place.catalog, one.id, dataset_id=challenger.dataset_id)
        for one in (champion, challenger)
    ]
    measured = []
    for job, evaluation in zip((champion, challenger), found, strict=True):
        if evaluation is None:
            raise InputError(f"job {job.id[:8]} was not measured on the dataset of job {challenger.id[:8]}")
        measured.append(Measured(job, evaluation))
    gap = judge_of(challenger.kind).gap(place, challenger.dataset_id, *measured)
    return gap, [one.evaluation.id for one in measured]


def _job_of(place: Workplace, version: ModelVersion) -> Job | None:
    job_id = version.tags.get("job_id")
    known = records.jobs(place.catalog, place.settings.owner, limit=10_000)
    return next((job for job in known if job.id == job_id), None)
