"""Whether one classifier is better than another on the same pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from domain.comparing import is_sure
from domain.errors import InputError
from domain.vision.comparison import Contender, Costs, accuracy_gap, compare
from domain.vision.comparison_report import write_comparison
from domain.vision.comparison_words import conclusions

LABELS = np.arange(400) % 4


def wrong(share: float) -> np.ndarray:
    """Predictions of which the first `share` are wrong."""
    said = LABELS.copy()
    n = int(share * len(said))
    said[:n] = (said[:n] + 1) % 4
    return said


def test_a_model_that_labels_many_more_pictures_rightly_is_better_beyond_chance() -> None:
    gap = accuracy_gap(LABELS, wrong(0.3), wrong(0.1), np.arange(400))
    assert gap.value == pytest.approx(0.2) and gap.low > 0 and gap.p < 0.001
    assert gap.beyond_chance


def test_equal_models_differ_by_nothing() -> None:
    gap = accuracy_gap(LABELS, wrong(0.2), wrong(0.2), np.arange(400))
    assert (gap.value, gap.low, gap.high, gap.p) == (0, 0, 0, 1)
    assert not gap.beyond_chance


def test_copies_of_one_picture_are_no_more_evidence_than_the_picture() -> None:
    said = LABELS.copy()
    said[:8] = (said[:8] + 1) % 4
    alone = accuracy_gap(LABELS, said, LABELS, np.arange(400))
    copies = accuracy_gap(LABELS, said, LABELS, np.where(np.arange(400) < 8, 0, np.arange(400)))
    assert alone.beyond_chance and not copies.beyond_chance


def contender(name: str, share: float, **more: Any) -> Contender:
    """A classifier that labels the first `share` of the pictures wrongly."""
    said = wrong(share)
    labelled = pd.DataFrame(
        {
            "image_id": [f"i{k:03}" for k in range(len(LABELS))],
            "group": np.arange(len(LABELS)),
            "class_name": LABELS.astype(str),
            "predicted": said.astype(str),
            "own": np.where(said == LABELS, 0.9, 0.1),
            "refer": np.arange(len(LABELS)) % 2 == 0,
        }
    )
    fields = {
        "job_id": f"{name}-0000-1111", "strategy": name, "model": f"classifier-{name} 1", "dataset": "pets",
        "created": "2026-11-20T19:30:00+00:00", "labelled": labelled, "promised": 0.95,
        "costs": Costs(10.0, 3, seconds_per_picture=0.001, model_mb=0.2),
    }  # fmt: skip
    return Contender(**{**fields, **more})


def test_of_several_classifiers_the_best_is_named_and_only_sure_differences_are_called_so() -> None:
    dear = Costs(300.0, 6, 0.52, 0.004, 2.0)
    comparison = compare(
        [contender("native", 0.3), contender("llm", 0.1, costs=dear), contender("transfer", 0.11)]
    )
    assert comparison.n == 400
    assert comparison.standings[1].accuracy.value == pytest.approx(0.9)
    first, second, third = comparison.pairs
    assert first.accuracy.value == pytest.approx(0.2) and first.accuracy.low > 0.1
    assert (first.n_only_first, first.n_only_second) == (0, 80)
    assert is_sure(first) and is_sure(second) and not is_sure(third)
    findings = list(conclusions(comparison))
    assert findings[0].title == "llm is ahead on 400 unseen pictures, but not surely of all"
    assert "llm is right more often than native by 20.0 points" in findings[0].text
    assert findings[1].title.startswith("transfer is the fastest of those that are not shown to be worse")
    assert comparison.best == (1, 2), "native is beaten by transfer at the same price and time"


def test_the_page_of_classifiers_shows_quality_against_cost_and_time(tmp_path: Path) -> None:
    hostile = contender("llm", 0.1, model="<script>alert(1)</script>", dataset="=cmd()")
    dear = replace(hostile, costs=Costs(300.0, 6, 0.52, 0.004, 2.0))
    files = write_comparison(compare([contender("native", 0.3), dear], n=100), tmp_path / "c")
    page = HTMLParser(files.html.read_text(encoding="utf-8"))
    assert not page.css("script, img, link, iframe")
    assert "<script>alert(1)</script>" in page.css_first("#jobs").text()
    assert len(page.css("#price figure")) == 3, "accuracy against money, training and time"
    assert "2 jobs on the same held-out pictures" in page.css_first("header").text()
    assert "80 : 0" in page.css_first("#quality").text()
    assert '"n_only_second": 80' in files.json.read_text()
    assert "'=cmd()" in files.figures.read_text()


def test_pictures_that_one_learnt_from_or_that_were_relabelled_count_for_nobody() -> None:
    first = contender("a", 0.2, learnt_from=frozenset(["i000", "i001"]))
    second = contender("b", 0.2)
    second.labelled.loc[5, "class_name"] = "another"
    comparison = compare([first, second], n=100)
    assert (comparison.n, comparison.n_learnt_from, comparison.n_left_out) == (397, 2, (3, 3))
    with pytest.raises(InputError, match="share no test pictures"):
        compare([first, replace(second, labelled=second.labelled.assign(class_name="x"))])
