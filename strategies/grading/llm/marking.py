"""Marking answers: from answers to requests, and from replies to verdicts. Asks nobody itself.

Training and grading go through here alike, so what is calibrated is what users get, and what training
asked about an answer need not be paid for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import ReplyError
from domain.grading.injection import Suspicion
from domain.language_models import Answered, Request
from strategies.grading.llm.examples import Bank, Nearest, suspicion_of
from strategies.grading.llm.points import MarkedItem
from strategies.grading.llm.program import Program
from strategies.grading.llm.prompt import grading_request
from strategies.grading.llm.scoring import Verdict, read_verdict

Floats = np.ndarray


@dataclass(frozen=True)
class Marked:
    """What came of one answer; `verdict` is a ReplyError where there is no usable reply."""

    item: MarkedItem
    text: str
    verdict: Verdict | ReplyError
    nearest: Nearest
    suspect: Suspicion | None

    @property
    def share(self) -> float:
        """NaN where there is none."""
        return self.verdict.share if isinstance(self.verdict, Verdict) else float("nan")


@dataclass(frozen=True)
class Sheet:
    """One answer to be marked, with its requests: one a repeat."""

    item: MarkedItem
    text: str
    nearest: Nearest
    suspect: Suspicion | None
    requests: tuple[Request, ...]

    @staticmethod
    def of(program: Program, bank: Bank, item: MarkedItem, text: str, answer_id: str) -> Sheet:
        nearest = bank.choose(item, text, program.n_examples)
        requests = tuple(
            grading_request(program, item, nearest.examples, text, (answer_id,), repeat)
            for repeat in range(program.repeats)
        )
        return Sheet(item, text, nearest, suspicion_of(text, item.text), requests)

    def marked(self, answered: Sequence[Answered]) -> Marked:
        spans = self.suspect.spans if self.suspect else ()
        verdict = read_verdict(answered, self.item, self.text, spans)
        return Marked(self.item, self.text, verdict, self.nearest, self.suspect)


def sheets_of(
    program: Program,
    bank: Bank,
    items: Mapping[str, MarkedItem],
    item_ids: Sequence[str],
    texts: Sequence[str],
    answer_ids: Sequence[str],
) -> list[Sheet]:
    return [
        Sheet.of(program, bank, items[str(item_id)], str(text), str(answer_id))
        for item_id, text, answer_id in zip(item_ids, texts, answer_ids, strict=True)
    ]


def requests_of(sheets: Sequence[Sheet]) -> list[Request]:
    return [request for sheet in sheets for request in sheet.requests]


def marked(sheets: Sequence[Sheet], answered: Sequence[Answered]) -> list[Marked]:
    """What came of each sheet; `answered` is what became of `requests_of(sheets)`, in order."""
    found, start = [], 0
    for sheet in sheets:
        end = start + len(sheet.requests)
        found.append(sheet.marked(answered[start:end]))
        start = end
    return found


def shares_of(several: Sequence[Marked]) -> Floats:
    return np.array([one.share for one in several], float)
