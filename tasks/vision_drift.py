"""New pictures held against those that a classifier was measured on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from domain.vision.drift import looks_of, shifts, told_shifts
from infra import catalog as records
from infra.model_registry import ModelRegistry
from tasks.picture_sets import pictures_of
from tasks.vision_evaluation import load_evaluation
from tasks.workplace import Workplace

_SAMPLE = 1000
"""Pictures of the test split that stand for what the model was measured on."""


def told_drift(place: Workplace, uri: str, looks: pd.DataFrame) -> list[str]:
    """Sentences on how new pictures differ (`looks` is of `looks_of`); none for a model from elsewhere."""
    before = _measured_on(place, uri)
    return [] if before is None else told_shifts(shifts(before, looks))


def _measured_on(place: Workplace, uri: str) -> pd.DataFrame | None:
    """The looks of test pictures, with the confidence that the model had in them."""
    job_id = ModelRegistry(place.tracking).find(uri).tags.get("job_id", "")
    known = records.jobs(place.catalog, place.settings.owner, limit=10_000)
    job = next((one for one in known if one.id == job_id), None)
    found = records.find_evaluation(place.catalog, job.id, dataset_id=job.dataset_id) if job else None
    if job is None or found is None:
        return None
    pictures = load_evaluation(place, found.artifacts["evaluation"]).pictures
    chosen = pictures.sample(min(_SAMPLE, len(pictures)), random_state=0).sort_values("row")
    path, _, _ = pictures_of(place, records.dataset(place.catalog, place.settings.owner, job.dataset_id))
    images = np.load(path, mmap_mode="r")
    return looks_of(images[chosen["row"].to_numpy()], chosen["confidence"])
