"""What a search has tried: every candidate with its measure or its failure, and how it was come by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from strategies.vision.llm.recipe import Recipe
from strategies.vision.llm.sameness import identity

Origin = Literal["own", "design", "patch"]
_MOST_REASON = 300


@dataclass(frozen=True)
class Entry:
    """One candidate. `failure` is empty for one that was trained; `stage` is where it failed.

    `trials` are its trainings, the longest last: epochs, accuracy and log_loss on validation, loss in
    training. `figures` are parameters, operations and activations of an image.
    """

    number: int
    iteration: int
    origin: Origin
    idea: str
    code: str
    recipe: Mapping[str, Any]
    parent: int | None = None
    n_repairs: int = 0
    stage: str = ""
    failure: str = ""
    detail: str = ""
    """What Python or torch said: the program can write anything into it, so it is shown as data only."""
    warnings: tuple[str, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)
    trials: tuple[Mapping[str, float], ...] = ()

    @property
    def accuracy(self) -> float | None:
        """On validation, of its longest trial."""
        return self.trials[-1]["accuracy"] if self.trials else None

    @property
    def merit(self) -> tuple[float, float, float]:
        """Larger is better: the longer trial counts first, since it got there by being better."""
        if not self.trials:
            return (0.0, 0.0, 0.0)
        last = self.trials[-1]
        return (last["epochs"], last["accuracy"], -last["log_loss"])

    @property
    def same_as(self) -> tuple[str, str]:
        """Equal for candidates that would be trained alike."""
        return identity(self.code), repr(sorted(self.recipe.items()))

    def described(self) -> dict[str, Any]:
        """As JSON, for a checkpoint."""
        return {**asdict(self), "warnings": list(self.warnings), "trials": [dict(t) for t in self.trials]}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Entry:
        return Entry(**{**told, "warnings": tuple(told["warnings"]), "trials": tuple(told["trials"])})

    def shown(self) -> dict[str, Any]:
        """As a model is shown it, without the code."""
        told: dict[str, Any] = {"number": self.number, "idea": self.idea[:_MOST_REASON]}
        if self.parent is not None:
            told["changed_from"] = self.parent
        told["hyperparameters"] = dict(self.recipe)
        if self.figures:
            told |= {name: self.figures[name] for name in ("n_parameters", "flops_per_image")}
        if self.trials:
            told["trials"] = [{name: round(v, 4) for name, v in trial.items()} for trial in self.trials]
        if self.failure:
            told |= {"failed_at": self.stage, "failure": self.failure[:_MOST_REASON]}
        return told


def own_recipe(entry: Entry) -> Recipe:
    return Recipe(**entry.recipe)


def best_first(entries: Iterable[Entry]) -> list[Entry]:
    """Those that were trained, by what their longest trial says; the earlier of two equals first."""
    trained = [entry for entry in entries if entry.trials and not entry.failure]
    return sorted(trained, key=lambda entry: (*(-part for part in entry.merit), entry.number))


def shown_journal(entries: Sequence[Entry], n_best: int = 10, n_failed: int = 10) -> list[dict[str, Any]]:
    """The best ones and the latest failures, which together say what to try next and what not again."""
    best = best_first(entries)[:n_best]
    failed = [entry for entry in entries if entry.failure][-n_failed:]
    return [entry.shown() for entry in sorted((*best, *failed), key=lambda entry: entry.number)]
