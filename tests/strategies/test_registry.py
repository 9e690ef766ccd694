"""Strategies by name, built in and added by others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import SettingError
from domain.kinds import Kind
from strategies.registry import strategies_of, strategy, strategy_names


def test_grading_is_tried_by_language_model_then_transfer_then_from_scratch() -> None:
    assert strategy_names(Kind.GRADING)[:3] == ("llm", "transfer", "native")
    assert [s.name for s in strategies_of(Kind.GRADING)][:3] == ["llm", "transfer", "native"]


def test_an_unknown_strategy_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        SettingError, match=r"'magic' is unknown for grading: use one of llm, transfer, native"
    ):
        strategy(Kind.GRADING, "magic")


def test_asking_for_names_imports_no_strategy() -> None:
    code = (
        "import sys; from strategies.registry import strategy_names; from domain.kinds import Kind; "
        "strategy_names(Kind.GRADING); print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third party's package on the path, as pip would leave it."""
    (tmp_path / "rubrics.py").write_text(
        "from strategies.grading.native import Native\n\n\nclass Rubric(Native):\n    name = 'rubric'\n"
    )
    about = tmp_path / "rubrics-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rubrics\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[trainyard.strategies]\ngrading.rubric = rubrics:Rubric\ngrading.broken = rubrics:Absent\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_package_adds_a_strategy_by_its_entry_point(installed: None) -> None:
    assert strategy(Kind.GRADING, "rubric").name == "rubric"
    assert "rubric" in strategy_names(Kind.GRADING)


def test_a_strategy_that_cannot_be_imported_is_named_with_its_package(installed: None) -> None:
    with pytest.raises(SettingError, match=r"grading.broken.*rubrics:Absent"):
        strategy(Kind.GRADING, "broken")
