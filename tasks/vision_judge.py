"""An image classifier judged: labels of unseen pictures, spoilt pictures, speed, its report."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from domain.kinds import Kind
from domain.promotion import Gap
from domain.vision.evaluation import Evaluation
from domain.vision.splits import PROTOCOL
from infra.catalog import Job
from infra.model_forms import CLASSIFIER
from strategies.base import VisionData
from tasks.intervals import interval_words
from tasks.judges import Compared, Draft, Measured, Verdict
from tasks.outcome import HeldOut, Predicted, Stressed
from tasks.vision_comparison import compared_classifiers
from tasks.vision_evaluation import (
    VISION_CODE,
    label_held_out,
    labels_gap,
    load_evaluation,
    measure_labels,
    spoil_held_out,
)
from tasks.vision_report import REPORT_CODE, draft_of
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


class VisionJudge:
    """See `tasks.judges.Judge`."""

    kind = Kind.VISION
    code = (*VISION_CODE, "strategies.vision.classifier")
    report_code = REPORT_CODE
    deciding = f"{PROTOCOL}.accuracy"
    form = CLASSIFIER
    entry = "classifier_model.py"

    def example(self, data: VisionData) -> pd.DataFrame:
        """A picture of plain grey, as a PNG file."""
        return pd.DataFrame({"image": [_grey(data)]})

    def predict(self, place: Workplace, held: HeldOut) -> Predicted:
        return label_held_out(place, held)

    def stress(self, place: Workplace, held: HeldOut) -> Stressed:
        return spoil_held_out(place, held)

    def measure(
        self, place: Workplace, held: HeldOut, predicted: Predicted, stressed: Stressed, promise: list[float]
    ) -> str:
        return measure_labels(place, held["dataset_id"], predicted, stressed, *promise)

    def verdict(self, place: Workplace, evaluation: str, predicted: Predicted, stressed: Stressed) -> Verdict:
        found = load_evaluation(place, evaluation)
        headline = headline_of(found)
        accuracy, f1 = found.figure("accuracy"), found.figure("macro_f1")
        log.info(
            "held-out pictures: accuracy %.4f, macro-F1 %.4f (n = %d)", accuracy.value, f1.value, accuracy.n
        )
        return Verdict(
            figures=found.figures(),
            compared=found.key_figures(),
            tables={
                "evaluation/metrics.json": found.metrics,
                "evaluation/classes.json": found.per_class,
                "evaluation/corruptions.json": found.corruptions,
            },
            headline=headline,
            told=told_of(headline, stressed),
            costs={"seconds_per_image": predicted["seconds_each"]},
        )

    def gap(self, place: Workplace, dataset_id: str, champion: Measured, challenger: Measured) -> Gap:
        return labels_gap(place, dataset_id, champion.evaluation, challenger.evaluation)

    def compare(self, place: Workplace, measured: Sequence[Measured]) -> Compared:
        return compared_classifiers(place, measured)

    def draft(self, place: Workplace, job: Job) -> Draft:
        return draft_of(place, job)


def _grey(data: VisionData) -> bytes:
    import io

    from PIL import Image

    size, channels = np.load(data.images_path, mmap_mode="r").shape[2:4]
    picture = Image.new(
        "L" if channels == 1 else "RGB", (int(size), int(size)), 128 if channels == 1 else (128,) * 3
    )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def headline_of(evaluation: Evaluation) -> dict[str, Any]:
    """What a person asks first."""
    named = {
        name: evaluation.figure(metric)
        for name, metric in (
            ("accuracy", "accuracy"),
            ("top5", "top5"),
            ("macro_f1", "macro_f1"),
            ("ece", "ece"),
            ("log_loss", "log_loss"),
            ("automatic_share", "automatic.share"),
            ("automatic_accuracy", "automatic.accuracy"),
            ("majority_accuracy", "majority.accuracy"),
        )
    }
    return {
        "protocol": PROTOCOL,
        "n": named["accuracy"].n,
        **{name: _rounded(figure.value, figure.low, figure.high) for name, figure in named.items()},
        "promised": evaluation.promised,
    }


def told_of(headline: dict[str, Any], stressed: Stressed) -> list[str]:
    """Accuracy on held-out pictures with its interval, and what can be labelled without a human."""
    told = [
        f"{headline['n']} pictures of the test split",
        f"Accuracy {interval_words(headline['accuracy'], percent=True)}; the commonest class alone would be "
        f"{(headline['majority_accuracy'] or [0.0])[0]:.1%}",
    ]
    if headline["top5"]:
        told.append(f"Among the five likeliest: {interval_words(headline['top5'], percent=True)}")
    told.append(f"Macro-F1 {interval_words(headline['macro_f1'])}")
    share, kept = headline["automatic_share"], headline["automatic_accuracy"]
    right = f"; {interval_words(kept, percent=True)} of those are right" if kept else ""
    told.append(
        f"Can be labelled without a human at the promised {headline['promised']:.0%} accuracy: "
        f"{share[0] if share else 0:.0%}{right}"
    )
    speed = stressed["details"]["speed"]
    told.append(
        f"Here the model takes {speed['latency_p50_ms']:.1f} ms for a picture (p95 "
        f"{speed['latency_p95_ms']:.1f} ms), {speed['images_per_second']:,.0f} pictures a second in batches, "
        f"{speed['peak_memory_mb']:.0f} MB of memory"
    )
    told.append(f"Spoilt pictures: {stressed['sentence']}")
    return told


def _rounded(*values: float) -> list[float] | None:
    if not math.isfinite(values[0]):
        return None
    return [round(v, 6) for v in values if math.isfinite(v)]
