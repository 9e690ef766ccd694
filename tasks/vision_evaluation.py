"""The test split's pictures through a registered classifier: labels, spoilt pictures, speed, figures."""

from __future__ import annotations

import io
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.errors import InputError
from domain.kinds import Split
from domain.promotion import Gap
from domain.vision.comparison import accuracy_gap
from domain.vision.evaluation import Evaluation, evaluate
from domain.vision.robustness import sample_size, spoilt_accuracy
from infra import catalog as records
from infra.model_registry import ModelRegistry
from tasks.outcome import HeldOut, Predicted, Stressed
from tasks.picture_sets import pictures_of
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from strategies.vision.classifier import Classifier

log = logging.getLogger(__name__)

VISION_CODE = ("domain.vision.evaluation", "domain.vision.robustness", "strategies.vision.speed")
STRESS_SECONDS = 30.0
"""About how long classifying spoilt pictures may take; the sample is chosen after it."""
_BLOCK = 1024


@contextmanager
def registered_classifier(place: Workplace, uri: str) -> Iterator[tuple[Classifier, Path]]:
    """The classifier of a registered version, and the folder of its files while it lasts."""
    # Late: onnxruntime takes a while, and a run that finds everything judged needs none of it.
    from strategies.vision.classifier import load_classifier

    with tempfile.TemporaryDirectory() as folder:
        files = ModelRegistry(place.tracking).download_model(uri, Path(folder))
        yield load_classifier(files), files


def label_held_out(place: Workplace, held: HeldOut) -> Predicted:
    """Probabilities for the test pictures, in the order of their table; the test is looked at here only."""
    images, test, classes = _test_pictures(place, held["dataset_id"])
    with registered_classifier(place, held["uri"]) as (classifier, _):
        _same_classes(classes, classifier.model.classes)
        started = time.monotonic()
        parts = [
            classifier.probabilities(images[rows])
            for rows in np.split(test["row"].to_numpy(), range(_BLOCK, len(test), _BLOCK))
        ]
        seconds = time.monotonic() - started
        threshold = classifier.threshold
    log.info("labelled %d held-out pictures", len(test))
    return Predicted(
        predictions=place.store.put_bytes(_array_bytes(np.concatenate(parts).astype(np.float32))),
        threshold=threshold,
        n=len(test),
        seconds_each=seconds / max(1, len(test)),
        ungraded=[],
        usage={},
    )


def spoil_held_out(place: Workplace, held: HeldOut) -> Stressed:
    """Accuracy on spoilt test pictures, and the speed of the model on this machine, measured alone."""
    from strategies.vision.speed import measured_speed

    images, test, _ = _test_pictures(place, held["dataset_id"])
    with registered_classifier(place, held["uri"]) as (classifier, folder):
        speed = measured_speed(folder)
        n = sample_size(len(test), speed["images_per_second"], STRESS_SECONDS)
        chosen = test.sample(n, random_state=0).sort_values("row")
        spoilt = spoilt_accuracy(
            classifier.logits, images[chosen["row"].to_numpy()], chosen["label"].to_numpy(np.int64)
        )
    middle = spoilt[spoilt["severity"] == 3].set_index("corruption")["accuracy"]
    told = ", ".join(f"{name} {value:.1%}" for name, value in middle.items())
    sentence = (
        f"accuracy {spoilt['accuracy'].iloc[0]:.1%} as they are; at the third of five severities {told} "
        f"({n} pictures)"
    )
    log.info("spoilt pictures: %s", sentence)
    named = {f"speed.{name}": value for name, value in speed.items()}
    return Stressed(
        metrics=named,
        sentence=sentence,
        details={"corruptions": spoilt.to_dict("records"), "speed": speed},
    )


def measure_labels(
    place: Workplace, dataset_id: str, predicted: Predicted, stressed: Stressed, promised: float
) -> str:
    """The store's key of the evaluation of the predictions."""
    dataset = records.dataset(place.catalog, place.settings.owner, dataset_id)
    _, rows, classes = pictures_of(place, dataset)
    trained = rows.loc[rows["split"] == Split.TRAIN, "class_name"].value_counts()
    evaluation = evaluate(
        _in_test(rows),
        _array(place.store.get_bytes(predicted["predictions"])),
        classes,
        {str(name): int(n) for name, n in trained.items()},
        threshold=predicted["threshold"],
        promised=promised,
        corruptions=pd.DataFrame(stressed["details"]["corruptions"]),
        speed=stressed["details"]["speed"],
    )
    return place.store.put_bytes(evaluation.to_json().encode())


def labels_gap(
    place: Workplace, dataset_id: str, champion: records.Evaluation, challenger: records.Evaluation
) -> Gap:
    """The gain in accuracy on the dataset's test pictures, which both have labelled."""
    _, test, _ = _test_pictures(place, dataset_id)
    said = [
        _array(place.store.get_bytes(one.artifacts["predictions"])).argmax(axis=1)
        for one in (champion, challenger)
    ]
    return accuracy_gap(test["label"].to_numpy(), said[0], said[1], test["group"].to_numpy())


def load_evaluation(place: Workplace, key: str) -> Evaluation:
    return Evaluation.from_json(place.store.get_bytes(key).decode())


def _test_pictures(
    place: Workplace, dataset_id: str
) -> tuple[npt.NDArray[np.uint8], pd.DataFrame, tuple[str, ...]]:
    dataset = records.dataset(place.catalog, place.settings.owner, dataset_id)
    path, rows, classes = pictures_of(place, dataset)
    return np.load(path, mmap_mode="r"), _in_test(rows), classes


def _in_test(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["split"] == Split.TEST].sort_values("row").reset_index(drop=True)


def _same_classes(tested: tuple[str, ...], known: tuple[str, ...]) -> None:
    if tested != known:
        strange = ", ".join(sorted(set(tested) ^ set(known))[:5])
        raise InputError(
            f"the model and the dataset have other classes ({strange}): evaluate on a dataset with the same"
        )


def _array_bytes(array: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    return array
