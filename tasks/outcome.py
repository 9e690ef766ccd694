"""What flows hand to each other and to people: plain JSON."""

from __future__ import annotations

from typing import Any, TypedDict


class Ingested(TypedDict):
    """What became of a chunk. Lists hold only what a person should see."""

    role: str
    n_files: int
    n_new: int
    n_known: int
    n_read: int
    document_ids: list[str]
    duplicates: list[dict[str, str]]
    """{"name", "equals"}"""
    rejected: list[dict[str, str]]
    """{"name", "reason"}"""
    skipped: dict[str, int]
    """What nobody meant to give (hidden files, thumbnails) → count."""


class Recipe(TypedDict):
    """What decides an iteration besides data and checkpoint.

    `code` is the digest of the code that trains. `config` leaves out the limit of iterations, so that
    raising it goes on where an earlier training stopped.
    """

    strategy: str
    config: dict[str, Any]
    code: str


class Choice(TypedDict):
    """`passed_over` holds {"name", "objection"} of each strategy that `auto` asked before."""

    requested: str
    strategy: str
    recipe: Recipe
    config: dict[str, Any]
    passed_over: list[dict[str, str]]


class Registered(TypedDict):
    model_name: str
    version: int
    uri: str


class DatasetFacts(TypedDict):
    """`promise` is [promised agreement, tolerance as a share of max_score]; counts are of answers unless
    named otherwise.

    In the vision kind `n_items` counts classes and `n_answers` pictures; there the promise is of accuracy.
    """

    id: str
    kind: str
    name: str
    summary: str
    """What is in it, in a sentence for people."""
    fingerprint: str
    protocol: str
    n_items: int
    n_answers: int
    n_students: int
    splits: dict[str, int]
    set_aside: dict[str, int]
    """reason → count"""
    n_blank: int
    promise: list[float]


class SecondReadings(TypedDict):
    """Guides as a language model read them. `n_open` counts all reviews that wait for a person.

    `refused` are {"name", "reason"} of readings, or parts of them, that the guide does not bear out;
    `notes` say why none was made, and what they took.
    """

    n_read: int
    n_agreed: int
    n_accepted: int
    n_open: int
    refused: list[dict[str, str]]
    notes: list[str]


class PrepareOutcome(TypedDict):
    """`near_duplicates` are {"a", "b", "similarity"}; `guides` tell each guide's state."""

    ingested: list[Ingested]
    formats: dict[str, dict[str, int]]
    """role → media type → documents"""
    near_duplicates: list[dict[str, Any]]
    guides: list[dict[str, Any]]
    unparsed: list[dict[str, Any]]
    quarantine: list[dict[str, str]]
    second_readings: SecondReadings | None
    """None where no language model was asked, now or earlier."""
    dataset: DatasetFacts


class TrainOutcome(TypedDict):
    job_id: str
    dataset_id: str
    mlflow_run_id: str
    choice: Choice
    n_trained: int
    n_reused: int
    model: Registered


class HeldOut(TypedDict):
    """What is judged, on what: a registered model, and a dataset that it was not trained on.

    `content` and `dataset_fingerprint` say what both are, `uri`, `dataset_id` and `job_id` where.
    """

    kind: str
    uri: str
    content: str
    dataset_id: str
    dataset_fingerprint: str
    job_id: str


class Predicted(TypedDict):
    """`predictions` is a key of the store; `threshold` is the confidence below which humans look.

    `ungraded` holds {"answer_id", "reason"} of answers that a language model gave no usable reply to;
    `usage` is what the replies took (see `tasks.effects.Usage`), empty for a model that asks nobody.
    """

    predictions: str
    threshold: float
    n: int
    seconds_each: float
    ungraded: list[dict[str, str]]
    usage: dict[str, Any]


class Stressed(TypedDict):
    """How a model bears what it should not be moved by: attacks on a grader, spoilt pictures.

    `metrics` are empty and `sentence` is "" where nothing was tried: a grader that asks nobody obeys nobody.
    `details` are plain JSON, for the kind's own evaluation.
    """

    metrics: dict[str, float]
    sentence: str
    details: dict[str, Any]


class EvaluateOutcome(TypedDict):
    """`evaluation` is a key of the store; `headline` are the figures that are shown first, `told` they and
    what else a person should know, in sentences."""

    job_id: str
    kind: str
    evaluation: str
    predictions: str
    headline: dict[str, Any]
    told: list[str]
    champion: bool
    """Whether its version is champion now."""
    promotion: str
    """Why it is, or is not, in a sentence with the numbers; "" where that was not asked."""
    ungraded: list[dict[str, str]]
    """{"answer_id", "reason"} of answers that a language model gave no usable reply to."""
    costs: dict[str, float]
    """Of grading an answer: seconds_per_answer, n_ungraded, and tokens_per_answer and
    cost_usd_per_1000_answers as far as a language model was asked and its price is known."""
    stress: str
    """How the model withstood attacks or spoilt pictures, in a sentence; "" where none were tried."""


class ReportOutcome(TypedDict):
    job_id: str
    folder: str
    html: str
    findings: list[str]


class PipelineOutcome(TypedDict):
    prepare: PrepareOutcome
    train: TrainOutcome
    evaluate: EvaluateOutcome
    report: ReportOutcome


class PredictOutcome(TypedDict):
    """`predictions` are one row a picture (see `tasks.prediction.COLUMNS`); `rejected` {"name", "reason"} of
    files that are no sound pictures, `skipped` counts what nobody meant (hidden files, thumbnails). `drift`
    are sentences on how the pictures differ from those that the model was measured on."""

    model: str
    predictions: list[dict[str, Any]]
    rejected: list[dict[str, str]]
    skipped: dict[str, int]
    drift: list[str]


class GradeOutcome(TypedDict):
    """`grades` are one row an answer (see `tasks.grading.COLUMNS`); `unparsed` {"name", "problems"}.

    An answer that could not be graded has no mark and no score, and is one for a human: `ungraded` says why.
    """

    model: str
    grades: list[dict[str, Any]]
    ungraded: list[dict[str, str]]
    unparsed: list[dict[str, Any]]
