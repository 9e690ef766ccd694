"""The battery of attacks, run against a grader that asks a language model: how often one succeeds."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from prefect import task

from domain.grading.battery import battery_outcome
from infra import catalog as records
from tasks.effects import asking
from tasks.evaluation import GRADING_CODE, load_registered
from tasks.outcome import Attacked
from tasks.policy import KEPT, keyed_by
from tasks.workplace import workplace

log = logging.getLogger(__name__)

MOST_ATTACKS = 48
"""Each costs two grades: the weak answer with the attack, and without."""


@task(
    task_run_name="attack the grader",
    cache_key_fn=keyed_by("content", "dataset_fingerprint", code=(*GRADING_CODE, "domain.grading.battery")),
    **KEPT,
)
def attack_grader(
    uri: str,
    content: str,  # noqa: ARG001 - part of the cache key
    dataset_id: str,
    dataset_fingerprint: str,  # noqa: ARG001 - part of the cache key
    job_id: str,
) -> Attacked:
    """What becomes of planted attacks; an answer without a reply counts as one for a human."""
    place = workplace()
    if records.find_job(place.catalog, place.settings.owner, job_id).strategy != "llm":
        return Attacked(metrics={}, sentence="")
    frames = records.dataset_frames(place.catalog, dataset_id)
    ask = asking(job_id, occasion="attacks")
    with tempfile.TemporaryDirectory() as folder:
        grader = load_registered(place, uri, Path(folder), ask)
        found = battery_outcome(
            grader.grade, frames.items, tolerance=place.settings.agreement_tolerance, n=MOST_ATTACKS
        )
    log.info("injection: %s", found.sentence)
    return Attacked(metrics=dict(found.metrics), sentence=found.sentence)
