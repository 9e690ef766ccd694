"""A marker without marking points: reads a plain prompt and states a score (schema "score").

The prompt has the lines "Question:", "Model answer:", "Maximum marks:" and "Student's answer:", the last
with all that follows. It gives marks for the share of the model answer's words that the student has.
"""

from __future__ import annotations

import re
from typing import Any

_PARTS = re.compile(
    r"Model answer:(?P<model>.*?)\nMaximum marks: *(?P<most>[\d.]+)\s*\nStudent's answer:(?P<answer>.*)",
    re.DOTALL,
)


def respond(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: Any) -> dict[str, Any]:  # noqa: ARG001
    parts = _PARTS.search(str(messages[-1].get("content", "")))
    if parts is None:
        return {"score": 0.0, "comment": "There is no answer to mark."}
    wanted, given = _words(parts["model"]), _words(parts["answer"])
    share = len(wanted & given) / len(wanted) if wanted else 0.0
    return {"score": round(share * float(parts["most"]) * 2) / 2, "comment": "Counted the words in common."}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.casefold()))
