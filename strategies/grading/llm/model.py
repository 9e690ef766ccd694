"""A trained program as files: program.json for all that people may read, examples.json for the answers shown.

`examples.json` holds students' texts (never their names), since a model learns from them at every
grading; what `program.json` holds was written by people who make papers, or by a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.errors import InputError
from strategies.grading.calibration import Calibration, Stretch
from strategies.grading.llm.confidence import Confidence
from strategies.grading.llm.examples import Bank
from strategies.grading.llm.points import MarkedItem
from strategies.grading.llm.program import Program
from strategies.grading.llm.prompt import SCHEMA

FORMAT = 1
PROGRAM, EXAMPLES = "program.json", "examples.json"


@dataclass(frozen=True)
class LlmModel:
    """`models` are those ("provider:model") whose replies it was calibrated on."""

    program: Program
    items: tuple[MarkedItem, ...]
    bank: Bank
    tolerance: float
    models: tuple[str, ...]
    stretch: Stretch = field(default_factory=Stretch)
    confidence: Confidence = field(default_factory=Confidence)
    unseen: Calibration = field(default_factory=Calibration)
    """What a confidence is worth for answers to items without worked examples."""
    threshold: Mapping[str, Any] = field(default_factory=dict)
    """Of confidence, for answers to known items (see domain.referral.Threshold)."""
    unseen_threshold: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        examples = {"format": FORMAT, "examples": self.bank.described()}
        return {PROGRAM: _json(self._described()), EXAMPLES: _json(examples)}

    def _described(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "strategy": "llm",
            "program": self.program.described(),
            "schema": SCHEMA,
            "items": [item.described() for item in self.items],
            "tolerance": self.tolerance,
            "models": list(self.models),
            "stretch": vars(self.stretch),
            "confidence": self.confidence.described(),
            "unseen": vars(self.unseen),
            "threshold": dict(self.threshold),
            "unseen_threshold": dict(self.unseen_threshold),
            "hyperparameters": dict(self.hyperparameters),
        }

    @staticmethod
    def from_folder(folder: Path) -> LlmModel:
        """Reads what `to_files` wrote. Raises InputError when the folder holds no such grader."""
        try:
            told = json.loads((folder / PROGRAM).read_text("utf-8"))
            examples = json.loads((folder / EXAMPLES).read_text("utf-8"))
            if told.get("format") != FORMAT:
                raise InputError(f"{folder} has model format {told.get('format')}, not {FORMAT}: train again")
            return LlmModel(
                program=Program.from_json(told["program"]),
                items=tuple(MarkedItem.from_json(item) for item in told["items"]),
                bank=Bank.from_json(examples["examples"]),
                tolerance=float(told["tolerance"]),
                models=tuple(told["models"]),
                stretch=Stretch(**told["stretch"]),
                confidence=Confidence.from_json(told["confidence"]),
                unseen=Calibration(**told["unseen"]),
                threshold=told["threshold"],
                unseen_threshold=told["unseen_threshold"],
                hyperparameters=told["hyperparameters"],
            )
        except InputError:
            raise
        except Exception as error:  # a file that others made may fail in any way
            raise InputError(
                f"{folder} holds no grader of strategy llm ({error}): give the folder of a trained model"
            ) from error


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode("utf-8", "replace")
