"""The program that a training improves: everything that decides what a model is asked about an answer."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from domain.errors import InputError

START = """\
You mark students' answers as the examiner of this paper would.
Go through the marking points one by one. For each, decide whether the student's answer makes it, and how \
fully, from 0 (not at all) to 1 (fully).
Judge what the student shows to know about the question, with the model answer as the measure.
Where worked examples are given, they show how this examiner scored other students: mark in the same way.
When you are unsure about a point, decide as this examiner most likely would, and say so by a lower \
confidence."""
"""The instruction before any training. It states no habit of a particular examiner: these are learnt."""

MOST_INSTRUCTION_CHARS = 6000


@dataclass(frozen=True)
class Program:
    """`salt` is what makes fences unpredictable: who does not have it cannot close them."""

    instruction: str
    salt: str
    n_examples: int = 3
    repeats: int = 1
    temperature: float = 0.0
    model: str = ""
    max_tokens: int = 1024

    def nonce(self, *texts: str) -> str:
        """16 hexadecimal digits: always the same for these texts, and in none of them."""
        for turn in range(1000):
            content = "\0".join([str(turn), *texts]).encode("utf-8", "replace")
            found = hmac.new(self.salt.encode(), content, hashlib.sha256).hexdigest()[:16]
            if not any(found in text for text in texts):
                return found
        raise InputError("no fence could be found that an answer does not contain: shorten the answer")

    def temperature_of(self, repeat: int) -> float:
        """Later repeats need some chance, or they would all say the same."""
        return self.temperature if repeat == 0 else max(self.temperature, 0.7)

    def described(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(described: Mapping[str, Any]) -> Program:
        return Program(**{field.name: described[field.name] for field in fields(Program)})


def tidied(instruction: str) -> str:
    """An instruction that a model wrote, fit to stand in a prompt: nothing in it ends its section.

    Lines that begin with # become plain ones; what no text has (control characters) goes.
    """
    kept = "".join(c for c in instruction if c == "\n" or c.isprintable())
    lines = (line.rstrip() for line in kept.splitlines() if line.strip())
    plain = (line.strip().lstrip("#").strip() if line.lstrip().startswith("#") else line for line in lines)
    return "\n".join(line for line in plain if line).strip()
