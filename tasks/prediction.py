"""New pictures labelled by a registered classifier; walled readers decode them, as in training."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.runtime import flow_run

from domain.errors import InputError
from domain.kinds import Kind
from domain.vision.archives import form_of
from domain.vision.drift import looks_of
from domain.vision.images import Shape
from domain.vision.member_names import PICTURES
from domain.vision.records import Member, Refusal
from infra.picture_readers import Seen
from tasks.model_names import model_uri
from tasks.outcome import PredictOutcome
from tasks.pictures import pool_of, reachable
from tasks.policy import RETRIED
from tasks.progress import progress
from tasks.tables import written_as
from tasks.vision_drift import told_drift
from tasks.vision_evaluation import registered_classifier
from tasks.workplace import Workplace, workplace

if TYPE_CHECKING:
    from strategies.vision.classifier import Classifier

log = logging.getLogger(__name__)

COLUMNS = ("file", "label", "confidence", "refer")
_AT_ONCE = 256


@dataclass
class _Source:
    """What one given path holds; `shown` is how its members are called in the table."""

    root: Path
    shown: str
    members: list[Member] = field(default_factory=list)


@task(task_run_name="label with {model}", **RETRIED)
def label_pictures(model: str, paths: list[str]) -> PredictOutcome:
    """A label for every picture in files, folders and archives; those that are none are told apart.

    Raises InputError where a path is not there, or nothing at all can be labelled.
    """
    place = workplace()
    uri = model_uri(place, model, Kind.VISION)
    rejected: list[dict[str, str]] = []
    skipped: Counter[str] = Counter()
    sources = list(_sources(place, [Path(path) for path in paths], rejected, skipped))
    rows: list[dict[str, Any]] = []
    looks: list[pd.DataFrame] = []
    n_found = sum(len(source.members) for source in sources)
    seen = progress(str(flow_run.id), "labelling pictures", n_found)
    with registered_classifier(place, uri) as (classifier, _):
        for source in sources:
            rows += _labelled(place, classifier, source, rejected, looks, seen.advance)
    if not rows:
        reasons = "; ".join(f"{one['name']}: {one['reason']}" for one in rejected[:3])
        raise InputError(f"no picture could be labelled: {reasons or 'none was found'}")
    log.info("labelled %d pictures with %s", len(rows), uri)
    drift = told_drift(place, uri, pd.concat(looks))
    for sentence in drift:
        log.warning("%s", sentence)
    return PredictOutcome(model=uri, predictions=rows, rejected=rejected, skipped=dict(skipped), drift=drift)


def _sources(
    place: Workplace, paths: Sequence[Path], rejected: list[dict[str, str]], skipped: Counter[str]
) -> Iterator[_Source]:
    single: dict[Path, _Source] = {}
    for path in paths:
        if path.suffix.lower().removeprefix(".") in PICTURES and not path.is_dir():
            if not path.is_file():
                raise InputError(f"{path} does not exist: give pictures, folders or archives of them")
            state = path.stat()
            member = Member(path.name, size_bytes=state.st_size, changed_ns=state.st_mtime_ns)
            single.setdefault(path.parent, _Source(path.parent, "")).members.append(member)
            continue
        form_of(path)
        source = _Source(reachable(place, path), "" if path.is_dir() else f"{path.name}/")
        for one in pool_of(place).list_archive(source.root):
            if isinstance(one, Member):
                source.members.append(one)
            elif isinstance(one, Refusal):
                rejected.append({"name": f"{source.shown}{one.name}", "reason": one.reason})
            else:
                skipped[one.what] += 1
        yield source
    yield from single.values()


def _labelled(
    place: Workplace,
    classifier: Classifier,
    source: _Source,
    rejected: list[dict[str, str]],
    looks: list[pd.DataFrame],
    each: Any,
) -> Iterator[dict[str, Any]]:
    """Rows of a source's pictures, in its order; never more than a batch of points is held.

    Appends to `rejected`, and to `looks` what `domain.vision.drift` makes of them.
    """
    wanted = classifier.model.preprocessing
    shape = Shape(wanted.size, wanted.channels)
    names: list[str] = []
    points: list[bytes] = []
    decoded = pool_of(place).decode(source.root, source.members, shape, each)
    for member, outcome in zip(source.members, decoded, strict=True):
        name = f"{source.shown}{member.name}"
        if not isinstance(outcome, Seen):
            rejected.append({"name": name, "reason": outcome.reason})
            continue
        names.append(name)
        points.append(outcome.points)
        if len(names) == _AT_ONCE:
            yield from _rows(classifier, shape, names, points, looks)
            names, points = [], []
    yield from _rows(classifier, shape, names, points, looks)


def _rows(
    classifier: Classifier,
    shape: Shape,
    names: list[str],
    points: Iterable[bytes],
    looks: list[pd.DataFrame],
) -> Iterator[dict[str, Any]]:
    images = np.frombuffer(b"".join(points), np.uint8).reshape(-1, shape.size, shape.size, shape.channels)
    labels = classifier.classify(images)
    looks.append(looks_of(images, labels["confidence"]))
    for name, label, sure, refer in zip(
        names, labels["class_name"], labels["confidence"], labels["refer"], strict=True
    ):
        yield {"file": name, "label": str(label), "confidence": round(float(sure), 6), "refer": bool(refer)}


def predictions_as(outcome: PredictOutcome, form: str) -> str:
    """The labels as "csv" or "json" text."""
    return written_as(form, outcome, outcome["predictions"], COLUMNS)
