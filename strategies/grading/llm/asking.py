"""Asking in chunks, on behalf of a training, and what that took."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from domain.errors import ModelAwayError, ReplyError
from domain.grading.injection.decoys import planted
from domain.language_models import Answered, Reply, Request
from strategies.base import Ask, Effect, Outcome

CHUNK = 64
"""Requests in one wish: what a training that runs out of budget has asked for at most beyond it."""
_MOST_UNAVAILABLE = 0.2
_LEAST_TO_TELL = 5
_CHARS_PER_TOKEN = 4

Steps = Generator[Effect, Outcome, list[Answered]]


class Asking:
    """What the replies to one iteration took, whether they were paid for now or earlier.

    `cost_usd` is None as soon as one price is unknown. `spent` is True once the budget has refused one:
    nothing is asked from then on.
    """

    def __init__(self) -> None:
        self.n_tokens = 0
        self.cost_usd: float | None = 0.0
        self.spent = False
        self.refusal = ""

    def ask(self, requests: Sequence[Request]) -> Steps:
        """What became of each request, decoys planted and judged.

        Raises ModelAwayError where too many found no server to answer them.
        """
        found: list[Answered] = []
        for start in range(0, len(requests), CHUNK):
            chunk = tuple(requests[start : start + CHUNK])
            if self.spent:
                found += [ReplyError(self.refusal, "budget") for _ in chunk]
                continue
            # As `guarded` does for the finished grader.
            plans = [planted(request) for request in chunk]
            sent = [plan.request if plan else one for plan, one in zip(plans, chunk, strict=True)]
            answered = yield Ask(tuple(sent))
            self._note(answered)
            found += [plan.judged(one) if plan else one for plan, one in zip(plans, answered, strict=True)]
        return found

    def _note(self, answered: Sequence[Answered]) -> None:
        errors = [one for one in answered if isinstance(one, ReplyError)]
        for reply in answered:
            if isinstance(reply, Reply):
                self.n_tokens += n_tokens(reply)
                known = self.cost_usd is not None and reply.cost_usd is not None
                self.cost_usd = (self.cost_usd or 0.0) + (reply.cost_usd or 0.0) if known else None
        refused = next((one for one in errors if one.kind == "budget"), None)
        if refused is not None:
            self.spent, self.refusal = True, str(refused)
        gone = [one for one in errors if one.kind == "unavailable"]
        few = len(answered) < _LEAST_TO_TELL
        if gone and len(gone) > (len(answered) - 1 if few else _MOST_UNAVAILABLE * len(answered)):
            raise ModelAwayError(f"{len(gone)} of {len(answered)} requests had no answer: {gone[0]}")


def n_tokens(reply: Reply) -> int:
    """As the provider counts; 0 where it does not say."""
    return (reply.n_prompt_tokens or 0) + (reply.n_completion_tokens or 0)


def tokens_of(requests: Sequence[Request], answered: Sequence[Answered]) -> float:
    """Mean tokens of a reply, estimated by letters where the provider does not count."""
    pairs = [
        n_tokens(reply)
        or (sum(len(m.content) for m in request.messages) + len(reply.text)) / _CHARS_PER_TOKEN
        for request, reply in zip(requests, answered, strict=True)
        if isinstance(reply, Reply)
    ]
    return sum(pairs) / len(pairs) if pairs else float("nan")
