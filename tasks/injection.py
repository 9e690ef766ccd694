"""The battery of attacks, run against a grader that asks a language model: how often one succeeds."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from domain.grading.battery import battery_outcome
from infra import catalog as records
from tasks.effects import asking
from tasks.grading_evaluation import load_registered
from tasks.outcome import HeldOut, Stressed
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

MOST_ATTACKS = 48
"""Each costs two grades: the weak answer with the attack, and without."""


def attack_grader(place: Workplace, held: HeldOut) -> Stressed:
    """What becomes of planted attacks; an answer without a reply counts as one for a human."""
    if records.find_job(place.catalog, place.settings.owner, held["job_id"]).strategy != "llm":
        return Stressed(metrics={}, sentence="", details={})
    frames = records.dataset_frames(place.catalog, held["dataset_id"])
    ask = asking(held["job_id"], occasion="attacks")
    with tempfile.TemporaryDirectory() as folder:
        grader = load_registered(place, held["uri"], Path(folder), ask)
        found = battery_outcome(
            grader.grade, frames.items, tolerance=place.settings.agreement_tolerance, n=MOST_ATTACKS
        )
    log.info("injection: %s", found.sentence)
    return Stressed(metrics=dict(found.metrics), sentence=found.sentence, details={})
