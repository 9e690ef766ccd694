"""Everything that a report of an image classifier is made from, as one record that is plain JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue, TypeAdapter

from domain.frames import Frame
from domain.reports.job import Choice, JobFacts, Problem, Timing
from domain.vision.evaluation import Evaluation


@dataclass(frozen=True)
class PictureData:
    """What the job was given, and what became of it. `set_aside` is reason → pictures."""

    n_classes: int
    n_pictures: int
    size: int
    channels: int
    splits: dict[str, int]
    by_class: dict[str, int]
    set_aside: dict[str, int]
    near_copies: int
    notes: dict[str, int]
    """What decoding did ("turned", "animated") → pictures."""
    n_refused: int
    refused: tuple[Problem, ...]
    """Pictures that could not be used; perhaps only the first of them."""
    fingerprint: str


@dataclass(frozen=True)
class Shown:
    """A mistake with its picture: `image` is a PNG as a data URI."""

    path: str
    class_name: str
    predicted: str
    confidence: float
    own: float
    refer: bool
    image: str


@dataclass(frozen=True)
class Candidate:
    """A network that a search tried. `accuracy` is on validation after `epochs`; `failure` why it was not
    trained. What a language model wrote (`idea`, `failure` in part) is untrusted text."""

    number: int
    iteration: int
    origin: str
    idea: str
    parent: int | None
    n_parameters: int | None
    epochs: float | None
    accuracy: float | None
    failure: str


@dataclass(frozen=True)
class Search:
    """How a language model looked for a network. `cost_usd` is None where a price is unknown.

    `ended` says why it ended: target, budget, noise or rounds; "" where it did not.
    """

    rounds: int
    ended: str
    n_calls: int
    n_tokens: int
    cost_usd: float | None
    candidates: tuple[Candidate, ...]
    code: str
    """Of the winner, as it was written; it is shown and never run."""
    winner: int | None = None
    """Its number; None where an older model does not tell."""


@dataclass(frozen=True, eq=False)
class ReportInput:
    """See the module's docstring."""

    title: str
    job: JobFacts
    strategy: str
    data: PictureData
    iterations: Frame
    """iteration, seconds, and the strategy's metrics as further columns."""
    evaluation: Evaluation
    worst: tuple[Shown, ...]
    card: dict[str, JsonValue]
    """What the strategy says of the model, see `TrainedModel.card`."""
    objective: str = "accuracy"
    """The column of `iterations` that decides which iteration is best; larger is better."""
    choices: tuple[Choice, ...] = ()
    hyperparameters: dict[str, JsonValue] = field(default_factory=dict)
    timings: tuple[Timing, ...] = ()
    search: Search | None = None
    """None where no network was looked for."""

    def to_json(self) -> str:
        """Plain JSON; NaN is null."""
        return _ADAPTER.dump_json(self).decode()


_ADAPTER = TypeAdapter(ReportInput)
