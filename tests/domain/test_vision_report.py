"""A classifier's evaluation and report, from probabilities that are made up here."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from domain.errors import InputError
from domain.reports.job import Choice, JobFacts, Problem
from domain.vision.evaluation import Evaluation, evaluate
from domain.vision.findings import find
from domain.vision.report import write_report
from domain.vision.report_input import Candidate, PictureData, ReportInput, Search, Shown
from domain.vision.robustness import sample_size, spoilt_accuracy

CLASSES = ("<b>boot</b>", "=coat", "dress")
SPEED = {"latency_p50_ms": 1.0, "latency_p95_ms": 2.0, "images_per_second": 900.0, "peak_memory_mb": 120.0}


def evaluated(n: int = 120, skill: float = 0.9, threshold: float = 0.6) -> Evaluation:
    """Each class's turn; a share `skill` is labelled right, the others as the next class."""
    drawn = np.random.default_rng(0)
    labels = np.arange(n) % 3
    right = drawn.random(n) < skill
    said = np.where(right, labels, (labels + 1) % 3)
    sure = np.where(right, 0.9, 0.5)
    probabilities = np.full((n, 3), 0.0)
    probabilities[np.arange(n), said] = sure
    probabilities[np.arange(n), (said + 1) % 3] = 1 - sure
    test = pd.DataFrame(
        {
            "row": np.arange(n),
            "path": [f"{k}.png" for k in range(n)],
            "class_name": [CLASSES[k] for k in labels],
            "label": labels,
            "group": np.arange(n),
        }
    )
    corruptions = pd.DataFrame(
        [
            {"corruption": name, "severity": k, "accuracy": 0.9 - drop * k, "n": n}
            for name, drop in (("noise", 0.0), ("blur", 0.1))
            for k in range(6)
        ]
    )
    return evaluate(
        test, probabilities, CLASSES, {CLASSES[0]: 50, CLASSES[1]: 40, CLASSES[2]: 40},
        threshold=threshold, promised=0.95, corruptions=corruptions, speed=SPEED,
    )  # fmt: skip


def reported(evaluation: Evaluation) -> ReportInput:
    worst = tuple(
        Shown(
            row.path, row.class_name, row.predicted, row.confidence, row.own, row.refer,
            "data:image/png;base64,",
        )
        for row in evaluation.worst(4).itertuples()
    )  # fmt: skip
    return ReportInput(
        title="Classifier report: <script>clothes",
        job=JobFacts(id="abc", created="2026-11-20T19:30:00Z", mlflow_run_url="javascript:alert(1)"),
        strategy="native",
        data=PictureData(
            n_classes=3, n_pictures=400, size=28, channels=1,
            splits={"test": 120, "train": 240, "validation": 40},
            by_class=dict.fromkeys(CLASSES, 130), set_aside={}, near_copies=0, notes={}, n_refused=1,
            refused=(Problem("<img src=x>.png", "it is empty: copy the picture anew"),), fingerprint="f",
        ),
        iterations=pd.DataFrame({"iteration": [1, 2], "seconds": [1.0, 1.0], "accuracy": [0.5, 0.9]}),
        evaluation=evaluation,
        worst=worst,
        card={"network": "residual:4", "n_parameters": 1000},
        choices=(Choice("transfer", "no weights"), Choice("native")),
    )  # fmt: skip


def test_what_is_kept_for_a_human_is_told_apart_from_the_rest():
    evaluation = evaluated()
    pictures = evaluation.pictures
    assert evaluation.figure("accuracy").value == pytest.approx(pictures["right"].mean())
    assert evaluation.figure("automatic.share").value == pytest.approx(pictures["right"].mean())
    assert evaluation.figure("automatic.accuracy").value == 1.0
    assert evaluation.figure("majority.accuracy").value == pytest.approx(1 / 3)
    assert evaluation.figure("corrupted.blur").value == pytest.approx(0.6)


def test_an_evaluation_survives_json():
    evaluation = evaluated()
    again = Evaluation.from_json(evaluation.to_json())
    assert again.to_json() == evaluation.to_json()
    with pytest.raises(InputError, match="evaluate again"):
        Evaluation.from_json("{}")


def test_no_test_picture_is_no_evaluation():
    with pytest.raises(InputError, match="no picture is held out"):
        evaluated(n=0)


def test_the_worst_mistakes_are_the_surest_and_not_all_of_one_class():
    worst = evaluated(n=600, skill=0.5).worst(12)
    assert not worst["right"].any()
    assert worst["confidence"].is_monotonic_decreasing
    assert worst["class_name"].value_counts().max() <= 3


def test_findings_name_the_missed_promise_the_mixed_up_pair_and_what_harms_most():
    titles = " ".join(f.title for f in find(reported(evaluated(threshold=0.0))))
    assert "missed" in titles
    assert "mixed up most" in titles
    assert "Blur harms most" in titles
    assert "1 file could not be used" in titles
    everything = find(reported(evaluated(threshold=2.0)))
    assert any(f.title == "Every picture goes to a human" for f in everything)


def test_a_classifier_no_better_than_the_commonest_class_is_called_so():
    assert "no better" in find(reported(evaluated(skill=0.33)))[0].title


def test_the_page_escapes_names_shows_pictures_and_links_to_nothing_strange(tmp_path):
    files = write_report(reported(evaluated()), tmp_path / "report")
    html = files["report.html"].read_text()
    assert "<script" not in html and "<b>boot" not in html and "<img src=x>" not in html
    assert "javascript:" not in html
    assert "img-src data:" in html and 'src="data:image/png' in html
    assert "'=coat" in files["predictions.csv"].read_text(), "no spreadsheet runs it"
    told = json.loads(files["report.json"].read_text())
    assert told["findings"] and "pictures" not in told["evaluation"]
    assert "| Accuracy |" in files["report.md"].read_text()


def test_what_a_search_tried_is_told_and_its_words_are_only_shown(tmp_path):
    search = Search(
        rounds=2, ended="budget", n_calls=3, n_tokens=4321, cost_usd=None,
        candidates=(
            Candidate(0, 1, "own", "residual", None, 1000, 4.0, 0.91, ""),
            Candidate(1, 1, "design", "<script>alert(1)</script>", None, None, None, None, "no `forward`"),
            Candidate(2, 2, "patch", "wider", 0, 2000, 8.0, 0.95, ""),
        ),
        code="</code><script>build_model()",
    )  # fmt: skip
    card = {"seeds": [{"seed": 0, "accuracy": 0.951}, {"seed": 1, "accuracy": 0.949}]}
    report = replace(reported(evaluated()), search=search, card=card)
    files = write_report(report, tmp_path / "report")
    html = files["report.html"].read_text()
    assert "<script" not in html
    assert "What was tried" in html and "share right on validation" in html
    assert "Trained from 2 seeds the winner reaches 95.10%, 94.90% on validation" in html
    assert "3 networks in 2 rounds, of which 1 could not be trained" in html
    assert "It ended because the budget was spent" in html
    told = files["report.md"].read_text()
    assert "| 2 | 2 | patch of 0 | wider | 2,000 | 8 | 95.00% | winner |" in told


def test_equal_reports_are_equal_bytes(tmp_path):
    first = write_report(reported(evaluated()), tmp_path / "a")
    again = write_report(reported(evaluated()), tmp_path / "b")
    assert all(first[name].read_bytes() == again[name].read_bytes() for name in first)


def test_spoiling_starts_from_the_pictures_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
    bright = images.mean(axis=(1, 2, 3)) > 127

    def classify(shown):
        light = shown.mean(axis=(1, 2, 3)) - 127
        return np.stack([-light, light], axis=1)

    table = spoilt_accuracy(classify, images, bright.astype(int))
    assert (table.loc[table["severity"] == 0, "accuracy"] == 1.0).all()
    lit = table[table["corruption"] == "brightness"].set_index("severity")["accuracy"]
    assert lit[5] <= lit[1] < 1.0
    assert (sample_size(10, 1e9, 30), sample_size(9999, 1e9, 30), sample_size(9999, 1.0, 30)) == (
        10,
        500,
        50,
    )
