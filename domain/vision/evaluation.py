"""What an image classifier is worth on pictures that it never saw, in figures.

Names of metrics: accuracy, top5 (of more than five classes), macro_f1, log_loss, ece, and

    automatic.share, .accuracy    not referred: above the confidence that validation chose
    majority.accuracy             the trivial baseline: always the commonest class of training
    corrupted.<kind>              mean accuracy over the severities of a corruption (see `corruptions`)
    speed.…                       of the ONNX model on this machine: images_per_second, latency_p50_ms,
                                  latency_p95_ms, load_seconds, peak_memory_mb, model_mb
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import TypeAdapter

from domain.bootstrap import Interval, bootstrap_interval, mean
from domain.contracts import Metrics
from domain.errors import InputError
from domain.frames import Frame
from domain.json_records import read_json
from domain.referral import referral_curve
from domain.vision.metrics import classification_figures, confusion_matrix, per_class, reliability
from domain.vision.splits import PROTOCOL

_KEY_METRICS = (
    "accuracy", "top5", "macro_f1", "log_loss", "ece", "automatic.share", "automatic.accuracy",
)  # fmt: skip
_MOST_POINTS = 400


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures and the frames that figures and pages are drawn from; columns are told at each frame."""

    classes: tuple[str, ...]
    promised: float
    threshold: float
    """Of confidence; above 1 where every picture is referred."""
    seed: int
    metrics: Frame
    """Contract Metrics; names as in the module's docstring."""
    per_class: Frame
    """class_name, n, n_training, precision, recall, f1, mistaken_for, n_mistaken. One row a class."""
    confusion: Frame
    """label, predicted, n: places among `classes`; cells that are not empty."""
    calibration: Frame
    """low, high, n, confidence, accuracy. One row a bin of confidence that is not empty."""
    referral: Frame
    """threshold, n, agreed, share, agreement: the referral curve, thinned."""
    corruptions: Frame
    """corruption, severity, accuracy, n. Accuracy 1 to 5 severe, and 0 of the same pictures unspoilt."""
    pictures: Frame
    """row, path, class_name, predicted, confidence, own (probability of the true class), right, refer."""

    def figure(self, metric: str) -> Interval:
        """One metric; all NaN and n 0 where it was not measured."""
        for row in self.metrics[self.metrics["metric"] == metric].itertuples():
            return Interval(float(row.value), float(row.low), float(row.high), int(row.n))
        nan = float("nan")
        return Interval(nan, nan, nan, 0)

    def figures(self) -> dict[str, float]:
        """Every finite figure, named protocol.metric."""
        return {
            f"{row.protocol}.{row.metric}": float(row.value)
            for row in self.metrics.itertuples()
            if math.isfinite(row.value)
        }

    def key_figures(self) -> dict[str, float]:
        """The few figures that runs are compared by, named protocol.metric; NaN ones are left out."""
        named = {f"{PROTOCOL}.{name}": self.figure(name).value for name in _KEY_METRICS}
        return {name: value for name, value in named.items() if value == value}

    def worst(self, n: int = 24) -> pd.DataFrame:
        """The `n` mistakes made with most confidence, at most a quarter of them of one class."""
        wrong = self.pictures[~self.pictures["right"]]
        ranked = wrong.sort_values(["confidence", "path"], ascending=[False, True], kind="stable")
        return ranked.groupby("class_name").head(max(3, n // 4)).head(n).reset_index(drop=True)

    def to_json(self) -> str:
        """Plain JSON; NaN is null."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> Evaluation:
        """What `to_json` wrote. Raises InputError for anything else."""
        return read_json(_ADAPTER, text, "an evaluation", "evaluate again")


_ADAPTER = TypeAdapter(Evaluation)


def evaluate(
    test: pd.DataFrame,
    probabilities: npt.NDArray[np.floating],
    classes: tuple[str, ...],
    trained: Mapping[str, int],
    *,
    threshold: float,
    promised: float,
    corruptions: pd.DataFrame,
    speed: Mapping[str, float],
    seed: int = 0,
) -> Evaluation:
    """The evaluation of `probabilities` (n, n_classes) for the pictures of `test`, row for row.

    `test` has the columns row, path, class_name, label (place in `classes`) and group (near copies share
    one: whole groups are drawn for the intervals); `trained` counts each class's training pictures.
    Raises InputError for no picture.
    """
    if test.empty:
        raise InputError("no picture is held out for the test: add pictures")
    labels = test["label"].to_numpy(np.int64)
    likely = np.asarray(probabilities, dtype=float)
    said, sure = likely.argmax(axis=1), likely.max(axis=1)
    pictures = pd.DataFrame(
        {
            "row": test["row"].to_numpy(np.int64),
            "path": test["path"].astype(str).to_numpy(),
            "class_name": test["class_name"].astype(str).to_numpy(),
            "predicted": [classes[at] for at in said],
            "confidence": sure,
            "own": likely[np.arange(len(labels)), labels],
            "right": said == labels,
            "refer": sure < threshold,
        }
    )
    confusion = confusion_matrix(labels, said, len(classes))
    by_class = per_class(confusion, classes)
    by_class.insert(2, "n_training", [int(trained.get(name, 0)) for name in classes])
    groups = test["group"].to_numpy()
    metrics = {
        **classification_figures(labels, likely, groups, seed=seed),
        **_automatic(pictures, groups, seed),
        **_baseline(pictures, trained, groups, seed),
        **{name: _alone(value, n) for name, value, n in _corrupted(corruptions)},
        **{f"speed.{name}": _alone(value, len(test)) for name, value in speed.items()},
    }
    rows = [{"protocol": PROTOCOL, "metric": name, **vars(figure)} for name, figure in metrics.items()]
    return Evaluation(
        classes=tuple(classes),
        promised=promised,
        threshold=threshold,
        seed=seed,
        metrics=pd.DataFrame(Metrics.validate(pd.DataFrame(rows))),
        per_class=by_class,
        confusion=_cells(confusion),
        calibration=reliability(sure, pictures["right"]),
        referral=_thinned(referral_curve(sure, pictures["right"])),
        corruptions=corruptions,
        pictures=pictures,
    )


def _automatic(pictures: pd.DataFrame, groups: npt.NDArray[np.int64], seed: int) -> dict[str, Interval]:
    kept = ~pictures["refer"].to_numpy(bool)
    figures = {"automatic.share": bootstrap_interval(mean, kept.astype(float), groups=groups, seed=seed)}
    if kept.any():
        right = pictures["right"].to_numpy(float)[kept]
        figures["automatic.accuracy"] = bootstrap_interval(mean, right, groups=groups[kept], seed=seed)
    return figures


def _baseline(
    pictures: pd.DataFrame, trained: Mapping[str, int], groups: npt.NDArray[np.int64], seed: int
) -> dict[str, Interval]:
    if not trained:
        return {}
    commonest = max(sorted(trained), key=lambda name: trained[name])
    hits = (pictures["class_name"] == commonest).to_numpy(float)
    return {"majority.accuracy": bootstrap_interval(mean, hits, groups=groups, seed=seed)}


def _corrupted(corruptions: pd.DataFrame) -> list[tuple[str, float, int]]:
    spoilt = corruptions[corruptions["severity"] > 0]
    return [
        (f"corrupted.{name}", float(part["accuracy"].mean()), int(part["n"].iloc[0]))
        for name, part in spoilt.groupby("corruption", sort=False)
    ]


def _alone(value: float, n: int) -> Interval:
    nan = float("nan")
    return Interval(float(value), nan, nan, n)


def _cells(confusion: npt.NDArray[np.int64]) -> pd.DataFrame:
    label, predicted = np.nonzero(confusion)
    return pd.DataFrame({"label": label, "predicted": predicted, "n": confusion[label, predicted]})


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    if len(curve) <= _MOST_POINTS:
        return curve
    at = np.unique(np.linspace(0, len(curve) - 1, _MOST_POINTS).astype(int))
    return curve.iloc[at].reset_index(drop=True)
