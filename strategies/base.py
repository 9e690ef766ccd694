"""The interface that every training strategy offers, and the records that cross it.

A strategy is a deterministic function of (checkpoint, data, seed, outcomes of its wishes). It does
no I/O of its own: `iterate` *yields* what it wants done (an `Effect`), is sent the outcome, and
returns the next checkpoint. One driver serves every strategy.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from safetensors import safe_open
from safetensors.numpy import save

from domain.errors import StrategyError
from domain.kinds import Kind
from domain.language_models import Request
from domain.vision.programs import NetworkLimits, Program
from strategies.spreading import Spread


class Hyperparameters(BaseModel):
    """What a user may choose about a training. Subclasses add theirs, with bounds and descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(10, ge=1, le=1000, description="most iterations to train")
    seed: int = Field(0, ge=0, description="seed of every random choice")


@dataclass(frozen=True)
class Embed:
    """A wish: sentence embeddings of `texts` from the remote model `model`.

    The outcome is a float32 array (len(texts), d), row i for text i.
    """

    texts: tuple[str, ...]
    model: str


@dataclass(frozen=True)
class Ask:
    """A wish: replies of a language model. The outcome is a tuple of `Answered`, one a request."""

    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Trace:
    """A wish: generated networks as graphs. The outcome is a tuple of `Traced | Refused`, one a program."""

    programs: tuple[Program, ...]
    limits: NetworkLimits = field(default_factory=NetworkLimits)


Effect = Embed | Ask | Trace
Outcome = Any
"""What its effect says: an array for `Embed`, a tuple of `Answered` for `Ask`, of `Traced | Refused` for
`Trace`."""


class Stop(BaseException):
    """The training is to end now; only the driver catches it.

    No Exception: what shrugs off a candidate's failure must not shrug off this.
    """


@dataclass(frozen=True)
class Surroundings:
    """What the place of training offers, found out by the caller so that strategies need not look."""

    scratch: Path
    """A folder for caches; everything in it can be lost."""
    language_models: tuple[str, ...] = ()
    """"provider:model" of those that can be asked, in the order in which they are."""
    embeddings_api: bool = False
    device: str = "cpu"
    """A torch device."""
    stop: Path | None = None
    """A file that is there once the training is to end."""
    spread: Spread | None = None
    """Has long computations done in parts by other processes, where there are some."""

    def heed_stop(self) -> None:
        """Raises Stop once the training is to end. Loops of more than a second call it at every step."""
        if self.stop is not None and self.stop.exists():
            raise Stop


@dataclass(frozen=True)
class GradingData:
    """What a grading strategy trains on: contracts `Items` and `Answers` plus the column `split`.

    Only train and validation rows are in it; a strategy never sees the test split.
    """

    items: pd.DataFrame
    answers: pd.DataFrame
    fingerprint: str
    surroundings: Surroundings
    promised_agreement: float = 0.9
    """Share of automatically graded answers whose mark shall be within `agreement_tolerance`."""
    agreement_tolerance: float = 0.1
    """As a share of the item's max_score."""


@dataclass(frozen=True)
class VisionData:
    """What a vision strategy trains on: decoded images and, for each that it may see, a row.

    `images_path` is a .npy file of uint8, (n, size, size, channels) with 1 or 3 channels. `rows` has the
    columns row (index into the images), image_id, path, class_name, label (index into `classes`), split
    and, where known, group (the same for near copies). Only train and validation rows are in it; a
    strategy never sees the test split.
    """

    images_path: Path
    rows: pd.DataFrame
    classes: tuple[str, ...]
    fingerprint: str
    surroundings: Surroundings
    promised_accuracy: float = 0.95
    """Share of automatically labelled images whose label shall be right."""


@dataclass(frozen=True)
class Checkpoint:
    """A strategy's whole state after an iteration: JSON, named tensors, nothing that can run.

    `config` are the hyperparameters in force, `metrics` those of this iteration on validation.
    `best` is the best value so far of `metrics[strategy.objective]`, None before the first.
    """

    iteration: int
    config: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: float | None = None
    done: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """safetensors with the JSON part in its metadata; equal checkpoints give equal bytes."""
        described = {
            "iteration": self.iteration,
            "config": dict(self.config),
            "metrics": dict(self.metrics),
            "best": self.best,
            "done": self.done,
            "state": dict(self.state),
        }
        # One metadata key only: safetensors writes several in no fixed order.
        text = json.dumps(described, sort_keys=True, separators=(",", ":"))
        # A file without tensors is legal but some readers refuse it, hence the marker.
        tensors = {name: np.ascontiguousarray(t) for name, t in self.tensors.items()}
        return bytes(save({**tensors, "__end__": np.zeros(1, np.uint8)}, {"checkpoint": text}))

    @staticmethod
    def from_file(path: Path) -> Checkpoint:
        """Reads what `to_bytes` wrote. Raises StrategyError when the file is not a checkpoint."""
        try:
            with safe_open(path, framework="np") as file:
                described = json.loads((file.metadata() or {})["checkpoint"])
                tensors = {name: file.get_tensor(name) for name in file.keys() if name != "__end__"}  # noqa: SIM118
        except Exception as error:
            raise StrategyError(f"{path} is not a checkpoint ({error}): remove it and train again") from error
        return Checkpoint(**described, tensors=tensors)


@dataclass(frozen=True)
class TrainedModel:
    """A model as files (name → bytes): an ONNX graph and JSON beside it; `card` describes it."""

    files: Mapping[str, bytes]
    hyperparameters: Mapping[str, Any]
    """The final values, after defaults, searches and remedies."""
    card: Mapping[str, Any]


Chosen = Hyperparameters
"""The same class under a name that the attribute `Strategy.Hyperparameters` does not hide."""

Data_contra = TypeVar("Data_contra", contravariant=True)


class Strategy(Protocol[Data_contra]):
    """See the module's docstring. Implementations are stateless."""

    name: str
    kind: Kind
    objective: str
    """The key of `Checkpoint.metrics` that says which iteration is best; larger is better."""
    Hyperparameters: type[Hyperparameters]

    def needs(self, config: Chosen, surroundings: Surroundings) -> str | None:
        """What this place lacks for the strategy, whatever the data; None if nothing."""

    def objection(self, config: Chosen, data: Data_contra) -> str | None:
        """Why the strategy cannot serve, in words a user can act on; None if it can."""

    def start(self, config: Chosen, data: Data_contra) -> Checkpoint:
        """The state before the first iteration (iteration 0)."""

    def iterate(self, checkpoint: Checkpoint, data: Data_contra) -> Generator[Effect, Outcome, Checkpoint]:
        """One iteration: yields wishes, is sent their outcomes, returns the next checkpoint."""

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        """The checkpoint to retry a failed iteration from (smaller steps, say); None if hopeless."""

    def finish(self, checkpoint: Checkpoint, data: Data_contra) -> TrainedModel:
        """The model of the best iteration, calibrated on the validation split."""
