"""Figures of image classification, against worked examples and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from domain.errors import SettingError
from domain.vision.corruptions import CORRUPTIONS, SEVERITIES
from domain.vision.metrics import (
    accuracy,
    classification_figures,
    confusion_matrix,
    expected_calibration_error,
    log_loss,
    macro_f1,
    per_class,
    reliability,
    top_k_hits,
)

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 7, 300)
SCORES = RNG.normal(size=(300, 7)) + 2.0 * np.eye(7)[LABELS]
LIKELY = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
SAID = LIKELY.argmax(axis=1)


def test_figures_agree_with_scikit_learn() -> None:
    assert accuracy(LABELS, SAID) == pytest.approx(reference.accuracy_score(LABELS, SAID))
    assert macro_f1(LABELS, SAID, 7) == pytest.approx(reference.f1_score(LABELS, SAID, average="macro"))
    assert log_loss(LABELS, LIKELY) == pytest.approx(reference.log_loss(LABELS, LIKELY))
    assert (confusion_matrix(LABELS, SAID, 7) == reference.confusion_matrix(LABELS, SAID)).all()
    assert top_k_hits(LABELS, LIKELY, 5).mean() == pytest.approx(
        reference.top_k_accuracy_score(LABELS, LIKELY, k=5)
    )


def test_a_class_is_told_with_what_it_is_mistaken_for() -> None:
    table = per_class(confusion_matrix([0, 0, 0, 1, 2], [0, 2, 2, 1, 2], 4), ["cat", "dog", "fox", "owl"])
    cat, dog, fox, owl = (row for _, row in table.iterrows())
    assert (cat["recall"], cat["mistaken_for"], cat["n_mistaken"]) == (pytest.approx(1 / 3), "fox", 2)
    assert (dog["f1"], dog["mistaken_for"]) == (1.0, "")
    assert fox["precision"] == pytest.approx(1 / 3)
    assert np.isnan(owl["recall"])
    assert np.isnan(owl["precision"])


def test_equal_probabilities_are_no_top_hit_by_the_order_of_classes() -> None:
    assert top_k_hits([0, 1], np.full((2, 4), 0.25), 1).tolist() == [0.0, 0.0]
    assert top_k_hits([0, 1], np.full((2, 4), 0.25), 4).tolist() == [1.0, 1.0]


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    confidence, hits = (
        np.repeat([0.95, 0.55], 100),
        np.r_[np.ones(80), np.zeros(20), np.ones(55), np.zeros(45)],
    )
    assert expected_calibration_error(confidence, hits) == pytest.approx(0.075)
    assert reliability(confidence, hits)["n"].tolist() == [100, 100]
    assert np.isnan(expected_calibration_error([], []))


def test_every_figure_has_an_interval_around_it() -> None:
    figures = classification_figures(LABELS, LIKELY, n=300)
    assert set(figures) == {"accuracy", "top5", "macro_f1", "log_loss", "ece"}
    for name in ("accuracy", "top5", "macro_f1", "log_loss"):
        assert figures[name].low < figures[name].value < figures[name].high
    half = 1.96 * np.sqrt(figures["accuracy"].value * (1 - figures["accuracy"].value) / 300)
    assert figures["accuracy"].high - figures["accuracy"].value == pytest.approx(half, rel=0.3)


def test_images_of_one_group_are_drawn_together() -> None:
    copies, groups = np.repeat(np.arange(30), 10), np.repeat(np.arange(30), 10)
    labels, likely = LABELS[copies], LIKELY[copies]
    alone = classification_figures(labels, likely, n=300)["accuracy"]
    together = classification_figures(labels, likely, groups, n=300)["accuracy"]
    assert together.high - together.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize("name", list(CORRUPTIONS))
def test_a_corruption_harms_more_with_each_severity(name: str) -> None:
    images = np.zeros((4, 28, 28, 3), np.uint8)
    images[:, 6:20, 9:17] = RNG.integers(60, 200, (4, 14, 8, 3))
    before = images.copy()
    corrupted = [CORRUPTIONS[name](images, severity, 0) for severity in SEVERITIES]
    harm = [np.abs(c.astype(int) - images).mean() for c in corrupted]
    assert harm == sorted(harm)
    assert harm[0] > 0
    assert all(c.dtype == np.uint8 and c.shape == images.shape for c in corrupted)
    assert (images == before).all()


def test_noise_is_the_same_for_the_same_seed() -> None:
    images = np.full((2, 8, 8, 1), 128, np.uint8)
    noise = CORRUPTIONS["noise"]
    assert (noise(images, 3, 5) == noise(images, 3, 5)).all()
    assert (noise(images, 3, 5) != noise(images, 3, 6)).any()


def test_an_even_picture_is_not_changed_by_blur_or_contrast() -> None:
    images = np.full((1, 16, 16, 3), 90, np.uint8)
    assert (CORRUPTIONS["blur"](images, 5, 0) == images).all()
    assert (CORRUPTIONS["contrast"](images, 5, 0) == images).all()


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(SettingError, match="severity 6 is not one of 1 to 5"):
        CORRUPTIONS["blur"](np.zeros((1, 8, 8, 1), np.uint8), 6, 0)
