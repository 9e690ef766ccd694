"""How a candidate network wants to be trained: the hyperparameters that are proposed with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from strategies.vision.hyperparameters import LoopHyperparameters, Optimiser

_NUMBERS: Mapping[str, tuple[str, float, float]] = {
    "learning_rate": ("number", 1e-5, 2.0),
    "batch": ("integer", 8, 1024),
    "weight_decay": ("number", 0.0, 0.5),
    "dropout": ("number", 0.0, 0.9),
    "label_smoothing": ("number", 0.0, 0.3),
    "epochs": ("integer", 1, 1000),
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "optimiser": {"type": "string", "enum": list(get_args(Optimiser))},
        **{
            name: {"type": kind, "minimum": low, "maximum": high}
            for name, (kind, low, high) in _NUMBERS.items()
        },
    },
    "required": ["optimiser", *_NUMBERS],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Recipe:
    """Proposed hyperparameters. `dropout` is put into the network's graph, 0 leaves it as it is written;
    `epochs` are those of the training that the winner gets, not of a trial."""

    optimiser: Optimiser
    learning_rate: float
    batch: int
    weight_decay: float
    dropout: float
    label_smoothing: float
    epochs: int

    @staticmethod
    def of(told: Mapping[str, Any], most_epochs: int) -> Recipe:
        """What a checked reply says, rounded: digits beyond the sixth make no other training."""
        numbers = {
            name: int(told[name]) if kind == "integer" else round(float(told[name]), 6)
            for name, (kind, _, _) in _NUMBERS.items()
        }
        numbers["epochs"] = min(int(numbers["epochs"]), most_epochs)
        return Recipe(optimiser=told["optimiser"], **numbers)  # type: ignore[arg-type]

    @staticmethod
    def of_loop(config: LoopHyperparameters) -> Recipe:
        """The user's own, or the defaults."""
        return Recipe(
            config.optimiser,
            config.learning_rate,
            config.batch,
            config.weight_decay,
            0.0,
            config.label_smoothing,
            config.epochs,
        )

    def described(self) -> dict[str, Any]:
        return asdict(self)

    def over(self, config: LoopHyperparameters, **more: Any) -> LoopHyperparameters:
        """The loop's hyperparameters with the proposed ones in their place, and then `more`."""
        ours = {name: getattr(config, name) for name in LoopHyperparameters.model_fields}
        proposed = {name: value for name, value in asdict(self).items() if name != "dropout"}
        return LoopHyperparameters(**{**ours, **proposed, **more})
