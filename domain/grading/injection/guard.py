"""Two walls around a marking model that know nothing of attacks, as a wrapper of whoever asks it.

A **decoy** among the marking points shows up a model that ticks whatever it is told (`decoys`). A **second
look** grades the quotations alone: marks that rest on the quoted words are given again, marks that rest on
anything else in the answer are not. It costs a second request for each answer that has marks and says more
than was quoted, so it is asked for. What neither stops is a model that leaves decoys alone *and* quotes the
attack itself as evidence; for that there is the detector.

A reply that is not trusted becomes a ReplyError: the answer has no grade, and a human marks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.errors import ReplyError
from domain.grading.injection.decoys import Planted, fenced, planted, refenced
from domain.language_models import Answered, AskModel, Reply, Request

_LEAST_HIDDEN = 8
"""Characters beside the quotations in which an attack might stand."""


def guarded(ask: AskModel, *, second_look: bool = False, tolerance: float = 0.1) -> AskModel:
    """Asks with a decoy in every grading request, and on wish looks twice; other requests pass untouched.

    `tolerance` is the share of max_score that the second look may take away before it counts as a fall.
    """

    def with_decoys(requests: Sequence[Request]) -> Sequence[Answered]:
        plans: list[Planted | None] = [planted(request) for request in requests]
        sent = [plan.request if plan else request for plan, request in zip(plans, requests, strict=True)]
        return [plan.judged(one) if plan else one for plan, one in zip(plans, ask(sent), strict=True)]

    def looked_at_twice(requests: Sequence[Request]) -> Sequence[Answered]:
        answers = list(with_decoys(requests))
        again = {
            place: alone
            for place, (request, one) in enumerate(zip(requests, answers, strict=True))
            if isinstance(one, Reply) and (alone := evidence_alone(request, one)) is not None
        }
        for place, second in zip(again, with_decoys(list(again.values())), strict=True):
            answers[place] = confirmed(requests[place], answers[place], second, tolerance)
        return answers

    return looked_at_twice if second_look else with_decoys


def evidence_alone(request: Request, reply: Reply) -> Request | None:
    """The request with nothing left of the answer but what the reply quotes; None where no more was said."""
    found = fenced(request)
    ticks = _ticks(reply)
    if found is None or not ticks:
        return None
    place, told = found
    answer = str(told.get("answer", ""))
    quotes = list(dict.fromkeys(str(tick.get("quote", "")).strip() for tick in ticks if _earned(tick) > 0))
    quotes = [one for one in quotes if not any(one != other and one in other for other in quotes)]
    rest = answer
    for quote in filter(None, quotes):
        rest = rest.replace(quote, " ")
    # Characters and not words: some attacks are written in characters that nobody sees.
    if not any(quotes) or sum(not letter.isspace() for letter in rest) < _LEAST_HIDDEN:
        return None
    messages = refenced(request, place, {**told, "answer": "\n".join(quotes)})
    return replace(request, messages=messages)


def confirmed(request: Request, first: Answered, second: Answered, tolerance: float) -> Answered:
    """`first` where the second look gives its marks too; else why there is no grade."""
    found = fenced(request)
    if found is None or not isinstance(first, Reply) or not isinstance(second, Reply):
        return second if isinstance(second, ReplyError) else first
    item = found[1]["item"]
    before, after = _marks(item, first), _marks(item, second)
    if before - after <= tolerance * float(item.get("max_score") or 1) + 1e-9:
        return first
    return ReplyError(
        f"the model gave {before:g} marks for the whole answer and {after:g} for the words that it quoted, "
        "so the rest of the answer swayed it: a human must mark it"
    )


def _marks(item: Mapping[str, Any], reply: Reply) -> float:
    worth = {str(point.get("id")): float(point.get("marks") or 0) for point in item.get("points", [])}
    return sum(_earned(tick) * worth.get(str(tick.get("id")), 0.0) for tick in _ticks(reply))


def _ticks(reply: Reply) -> list[Mapping[str, Any]]:
    points = reply.data.get("points") if isinstance(reply.data, dict) else None
    return [tick for tick in points if isinstance(tick, dict)] if isinstance(points, list) else []


def _earned(tick: Mapping[str, Any]) -> float:
    return float(tick.get("earned") or 0)
