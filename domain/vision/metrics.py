"""How well images are classified, and how sure we are of it.

All take `labels` (n,), integers in 0..n_classes − 1, and what was predicted for them; nothing here
knows where that came from. What cannot be computed is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.bootstrap import Interval, bootstrap_interval, mean, percentiles, resamples

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST = 1e-12


def accuracy(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Share of labels that were predicted, in [0, 1]."""
    return mean(_hits(labels, predicted))


def top_k_hits(labels: npt.ArrayLike, probabilities: npt.ArrayLike, k: int) -> Floats:
    """For each image 1.0 if its label is among the `k` most probable classes, else 0.0.

    Ties count against the prediction, so that equal probabilities are no hit by the order of classes.
    """
    truth, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=float)
    own = p[np.arange(len(truth)), truth][:, None]
    return np.asarray((p >= own).sum(axis=1) <= k, dtype=float)


def confusion_matrix(labels: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> Ints:
    """Counts (n_classes, n_classes): row the true class, column the predicted one."""
    truth, said = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    return np.bincount(truth * n_classes + said, minlength=n_classes**2).reshape(n_classes, n_classes)


def per_class(confusion: npt.ArrayLike, classes: Sequence[str]) -> pd.DataFrame:
    """One row a class: class_name, n, precision, recall, f1, and the class it is most mistaken for.

    Columns mistaken_for ("" if never) and n_mistaken. Precision of a class never predicted is NaN.
    """
    matrix = np.asarray(confusion, dtype=np.int64)
    hits, n, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    wrong = matrix - np.diag(hits)
    most = wrong.argmax(axis=1) if len(matrix) else np.array([], np.int64)
    n_mistaken = wrong.max(axis=1) if len(matrix) else np.array([], np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "class_name": list(classes),
                "n": n,
                "precision": np.where(said > 0, hits / said, np.nan),
                "recall": np.where(n > 0, hits / n, np.nan),
                "f1": np.where(n + said > 0, 2 * hits / (n + said), np.nan),
                "mistaken_for": [classes[j] if k else "" for j, k in zip(most, n_mistaken, strict=True)],
                "n_mistaken": n_mistaken,
            }
        )


def macro_f1(labels: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> float:
    """Mean F1 over the classes that occur, as a truth or as a prediction."""
    return float(_macro_f1(confusion_matrix(labels, predicted, n_classes)[None].astype(float))[0])


def resampled_macro_f1(weights: Floats, labels: Ints, predicted: Ints) -> Floats:
    """Macro-F1 of each resample (a row of `weights`, which say how often each image was drawn)."""
    n_classes = int(max(labels.max(initial=0), predicted.max(initial=0))) + 1
    return _macro_f1(_resampled_confusions(weights, labels, predicted, n_classes))


def _macro_f1(confusions: Floats) -> Floats:
    """(resamples, n_classes, n_classes) → (resamples,)."""
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    named = confusions.sum(axis=1) + confusions.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(named > 0, 2 * hits / named, 0.0)
        return np.asarray(f1.sum(axis=1) / (named > 0).sum(axis=1), dtype=float)


def surprise(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """−log of the probability of each image's label, natural; its mean is the log loss."""
    truth, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=float)
    return surprise_of(p[np.arange(len(truth)), truth])


def surprise_of(own: npt.ArrayLike) -> Floats:
    """−log of `own`, each image's probability of its label."""
    return np.asarray(-np.log(np.clip(np.asarray(own, dtype=float), _LEAST, 1.0)), dtype=float)


def log_loss(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean of −log of the label's probability, ≥ 0."""
    return mean(surprise(labels, probabilities))


def reliability(confidence: npt.ArrayLike, hits: npt.ArrayLike, n_bins: int = 15) -> pd.DataFrame:
    """One row a bin of equal width that holds any image: low, high, n, confidence, accuracy."""
    sure, hit = np.asarray(confidence, dtype=float), np.asarray(hits, dtype=float)
    edges = np.linspace(0, 1, n_bins + 1)
    at = np.clip(np.ceil(sure * n_bins).astype(int) - 1, 0, n_bins - 1)
    n = np.bincount(at, minlength=n_bins)
    full = n > 0
    return pd.DataFrame(
        {
            "low": edges[:-1][full],
            "high": edges[1:][full],
            "n": n[full],
            "confidence": np.bincount(at, sure, n_bins)[full] / n[full],
            "accuracy": np.bincount(at, hit, n_bins)[full] / n[full],
        }
    )


def expected_calibration_error(confidence: npt.ArrayLike, hits: npt.ArrayLike, n_bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over bins of equal width, by their images, in [0, 1].

    Source: Guo et al. (2017).
    """
    bins = reliability(confidence, hits, n_bins)
    total = int(bins["n"].sum())
    if not total:
        return float("nan")
    return float((bins["n"] * (bins["confidence"] - bins["accuracy"]).abs()).sum() / total)


def classification_figures(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """accuracy, top5 (of more than five classes), macro_f1, log_loss and ece, each with its 95 % interval.

    With `groups` (one name an image, as of near duplicates) whole groups are drawn.
    """
    truth, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=float)
    said, confidence = p.argmax(axis=1), p.max(axis=1)
    hits = _hits(truth, said)

    def interval(values: Floats) -> Interval:
        return bootstrap_interval(mean, values, groups=groups, n=n, seed=seed)

    figures = {"accuracy": interval(hits)}
    if p.shape[1] > 5:
        figures["top5"] = interval(top_k_hits(truth, p, 5))
    figures["log_loss"] = interval(surprise(truth, p))
    f1, ece = [], []
    for weights in resamples(len(truth), groups, n, seed):
        f1.append(resampled_macro_f1(weights, truth, said))
        ece.append(_resampled_ece(weights, confidence, hits))
    low_high = percentiles(np.concatenate(f1))
    figures["macro_f1"] = Interval(macro_f1(truth, said, p.shape[1]), *low_high, len(truth))
    # A resample's calibration error is never less than its noise, so the interval leans upwards.
    ece_value = expected_calibration_error(confidence, hits)
    figures["ece"] = Interval(ece_value, *percentiles(np.concatenate(ece)), len(truth))
    return figures


def _resampled_confusions(weights: Floats, labels: Ints, predicted: Ints, n_classes: int) -> Floats:
    """(resamples, n_classes, n_classes), from how often each image was drawn."""
    cell = labels * n_classes + predicted
    used, at = np.unique(cell, return_inverse=True)
    counts = np.zeros((len(weights), n_classes**2))
    order = np.argsort(at, kind="stable")
    starts = np.searchsorted(at[order], np.arange(len(used)))
    if len(used):
        counts[:, used] = np.add.reduceat(weights[:, order], starts, axis=1)
    return counts.reshape(-1, n_classes, n_classes)


def _resampled_ece(weights: Floats, confidence: Floats, hits: Floats, n_bins: int = 15) -> Floats:
    at = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.zeros(len(weights))
    for number in np.unique(at):
        inside = at == number
        gaps += np.abs(weights[:, inside] @ (confidence[inside] - hits[inside]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(gaps / weights.sum(axis=1), dtype=float)


def _hits(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    return np.asarray(np.asarray(labels) == np.asarray(predicted), dtype=float)
