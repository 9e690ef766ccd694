"""What the kinds of work differ in once a model is trained: its form, its figures, its report.

Flows and tasks are the same for all kinds; where a step has to know the kind, it asks the kind's `Judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from domain.kinds import Kind
from domain.promotion import Gap
from domain.reports.comparison import ComparisonFiles, ComparisonView
from infra.catalog import Evaluation, Job
from infra.model_forms import ModelForm
from tasks.outcome import HeldOut, Predicted, Stressed
from tasks.workplace import Workplace


@dataclass(frozen=True)
class Verdict:
    """What catalog, MLflow and people learn of an evaluation."""

    figures: Mapping[str, float]
    """Every finite figure by protocol and name, as "unseen_answers.qwk"."""
    compared: Mapping[str, float]
    """The few that runs are compared by in MLflow."""
    tables: Mapping[str, pd.DataFrame]
    """The others, by their places among the run's artifacts."""
    headline: dict[str, Any]
    told: list[str]
    costs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """A job and its evaluation on the dataset in question."""

    job: Job
    evaluation: Evaluation


@dataclass(frozen=True)
class Draft:
    """A report before it is written. `content` is all that it says, so that an equal one is known."""

    content: str
    findings: list[str]
    write: Callable[[Path], Mapping[str, Path]]
    """Writes it into a folder; its files by name, report.html among them."""
    summary: Callable[[Path], str]
    """Markdown for the flow run and the MLflow run, given where the page is."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """That only the report adds to the MLflow run."""


@dataclass(frozen=True)
class Compared:
    """Jobs held against each other on `n` examples. `rows` are their key figures for a terminal."""

    view: ComparisonView
    rows: list[dict[str, Any]]
    n: int
    write: Callable[[Path], ComparisonFiles]
    """Writes the page and its tables into a folder."""


class Judge(Protocol):
    """The steps of one kind after training."""

    kind: Kind
    code: tuple[str, ...]
    """Modules that decide what is predicted and measured."""
    report_code: tuple[str, ...]
    deciding: str
    """The figure by which a version becomes champion; larger is better."""
    form: ModelForm
    entry: str
    """The file in this folder that MLflow runs to make a model of a version."""

    def example(self, data: Any) -> pd.DataFrame:
        """One or two rows as `mlflow.pyfunc` takes them, which MLflow shows; nothing of a person's."""

    def predict(self, place: Workplace, held: HeldOut) -> Predicted:
        """Predictions of the registered model, through the runtime that users get."""

    def stress(self, place: Workplace, held: HeldOut) -> Stressed: ...

    def measure(
        self, place: Workplace, held: HeldOut, predicted: Predicted, stressed: Stressed, promise: list[float]
    ) -> str:
        """The store's key of the evaluation."""

    def verdict(self, place: Workplace, evaluation: str, predicted: Predicted, stressed: Stressed) -> Verdict:
        """Of the evaluation that the store keeps under that key."""

    def gap(self, place: Workplace, dataset_id: str, champion: Measured, challenger: Measured) -> Gap:
        """The challenger's gain where both were measured. Raises InputError where nothing can be compared."""

    def compare(self, place: Workplace, measured: Sequence[Measured]) -> Compared:
        """Several jobs on the test examples that they share. Raises InputError where they share none."""

    def draft(self, place: Workplace, job: Job) -> Draft:
        """The job's report. Raises InputError for a job that was not evaluated."""


def judge_of(kind: Kind | str) -> Judge:
    # Imported when asked for: they import the tasks that ask.
    from tasks.grading_judge import GradingJudge
    from tasks.vision_judge import VisionJudge

    judges: dict[Kind, Any] = {Kind.GRADING: GradingJudge(), Kind.VISION: VisionJudge()}
    judge: Judge = judges[Kind(kind)]
    return judge
