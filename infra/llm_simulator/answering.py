"""From a request to what goes back: limits, then faults, then an answer."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from infra.llm_simulator import wire
from infra.llm_simulator.architect import HONEST
from infra.llm_simulator.asked import Asked, NotUnderstoodError, Style, read
from infra.llm_simulator.behaviour import (
    CONTENT_FAULTS,
    STATUS_FAULTS,
    TRANSPORT_FAULTS,
    Behaviour,
    Support,
)
from infra.llm_simulator.generic import filled
from infra.llm_simulator.gullible import obedient
from infra.llm_simulator.limits import Limits
from infra.llm_simulator.responders import responder
from infra.llm_simulator.tally import Tally
from infra.llm_simulator.wire import Completion, Response


class Luck(random.Random):
    """The random draws of one reply; `temperature` is the request's, since at 0 a model hardly varies."""

    temperature: float = 0.0
    designs: Mapping[str, float] = HONEST
    """Of an architect's networks, the share of each kind."""


class Desk:
    """Answers requests one after the other; all that the server remembers is here."""

    def __init__(self, behaviour: Behaviour, now: float) -> None:
        self.tally = Tally()
        self._n_replies = 0
        self._tries: Counter[str] = Counter()
        self._prefixes: set[str] = set()
        self.behave(behaviour, now)

    def behave(self, behaviour: Behaviour, now: float) -> None:
        """From now on `behaviour` holds; what was counted stays, buckets are full again."""
        self.behaviour = behaviour
        per_minute = behaviour.requests_per_minute
        if behaviour.requests_per_second:
            per_minute = behaviour.requests_per_second * 60
        self._burst_left = 0
        self._limits = Limits(per_minute, behaviour.tokens_per_minute, behaviour.burst_seconds, now)

    def answer(self, body: bytes, style: Style, key: str, now: float, today: float) -> Response:
        """The response to a chat request. `now` is the loop's clock, `today` the wall's, in seconds."""
        try:
            asked = read(body, style)
        except NotUnderstoodError as complaint:
            return wire.error(400, str(complaint), "not_understood")
        self.tally.received_by_content[asked.content] += 1
        self.tally.by_schema[asked.schema_name or "none"] += 1
        refused = self.refused_key(key) or self._refused(asked)
        if refused is not None:
            return refused
        wait = self._limits.take(asked.n_prompt_tokens + (asked.max_tokens or 0), now)
        headers = self._limits.headers(style == "groq")
        if wait:
            return _limited("over_limit", {"retry-after": f"{wait:.3f}"}).with_headers(headers)
        fault, luck = self._fault(asked), self._luck(asked)
        if fault in STATUS_FAULTS:
            return self._status_fault(fault, today).with_headers(headers)
        return self._reply(asked, fault, luck).with_headers(headers)

    def refused_key(self, key: str) -> Response | None:
        """401 for keys listed as bad, and for none where one is needed."""
        if key in self.behaviour.bad_keys:
            message = "Incorrect API key provided. You can find your API key in the provider's console."
            return wire.error(401, message, "bad_key", "invalid_api_key")
        if not key and self.behaviour.require_key:
            return wire.error(401, "You didn't provide an API key.", "no_key", "invalid_api_key")
        return None

    def _refused(self, asked: Asked) -> Response | None:
        """404 for a model that is not there, 400 for an ability that the server rejects."""
        offered = (*self.behaviour.models, *self.behaviour.retiring)
        if asked.model not in offered:
            message = f"The model `{asked.model}` does not exist or you do not have access to it."
            return wire.error(404, message, "unknown_model", "model_not_found")
        support = {
            "schema": self.behaviour.schemas,
            "json": self.behaviour.json_mode,
            "tool": self.behaviour.tools,
        }
        if support.get(asked.way) == "rejected":
            what = {"schema": "response_format 'json_schema'", "json": "response_format 'json_object'"}
            message = f"{what.get(asked.way, 'tools')} is not supported with this model."
            return wire.error(400, message, f"rejected_{asked.way}", "unsupported_parameter")
        return None

    def _support(self, asked: Asked) -> Support:
        it = self.behaviour
        support: dict[str, Support] = {"schema": it.schemas, "json": it.json_mode, "tool": it.tools}
        return support.get(asked.way, "supported")

    def _luck(self, asked: Asked) -> Luck:
        """At temperature 0, or with a seed, the same request has the same luck each time."""
        again = 0
        if asked.temperature > 0 and asked.seed is None:
            again = self.tally.received_by_content[asked.content]
        luck = Luck(f"{self.behaviour.seed}/{asked.content}/{again}")
        luck.temperature = asked.temperature
        if self.behaviour.mode == "architect":
            luck.designs = self.behaviour.designs
        return luck

    def _fault(self, asked: Asked) -> str:
        """The fault of this try, "" for none. Every draw depends on the seed, the content and the try."""
        it = self.behaviour
        if self._burst_left > 0:
            self._burst_left -= 1
            return "burst"
        seed = f"{it.seed}/{asked.subject}"
        fates = random.Random(f"poison/{seed}")
        if fates.random() < it.poison:
            return _drawn(dict(it.faults) or {"error_500": 1.0}, fates, always=True)
        self._tries[asked.subject] += 1
        if not it.faults:
            return ""
        if it.fault_times:
            fault = _drawn(it.faults, fates)
            return fault if self._tries[asked.subject] <= fates.randint(1, it.fault_times) else ""
        nth = self.tally.received_by_content[asked.content]
        fault = _drawn(it.faults, random.Random(f"fault/{it.seed}/{asked.content}/{nth}"))
        if fault == "burst":
            self._burst_left = it.burst_length - 1
        return fault

    def _status_fault(self, fault: str, today: float) -> Response:
        it = self.behaviour
        if fault == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return wire.error(429, message, fault, "insufficient_quota", "insufficient_quota")
        if STATUS_FAULTS[fault] == 429:
            later = {
                "rate_limited": {"retry-after": f"{it.retry_after:g}"},
                "rate_limited_long": {"retry-after": f"{it.retry_after_long:g}"},
                # Whole seconds, so round up or the date would be in the past.
                "rate_limited_date": {
                    "retry-after": formatdate(math.ceil(today + it.retry_after), usegmt=True)
                },
                "rate_limited_ms": {"retry-after-ms": f"{it.retry_after * 1000:.0f}"},
            }
            return _limited(fault, later[fault])
        message = "The server had an error while processing your request. Sorry about that!"
        return wire.error(STATUS_FAULTS[fault], message, fault)

    def _reply(self, asked: Asked, fault: str, luck: Luck) -> Response:
        seconds = self._seconds(luck)
        self._n_replies += 1
        turn = self._turn(asked, fault, luck)
        known = asked if self._support(asked) == "supported" else replace(asked, way="text")
        body = wire.completion(known, turn, self._n_replies)
        if fault == "error_in_200":
            return wire.Response(200, wire.error(500, "Internal error.", fault).body, fault, seconds=seconds)
        if fault == "invalid_body":
            return Response(200, b"upstream timed out", fault, seconds=seconds)
        if fault == "web_page":
            page = b"<html><body><h1>Please sign in</h1></body></html>"
            return Response(200, page, fault, seconds=seconds, content_type="text/html")
        if fault == "truncated_body":
            return Response(200, body[: len(body) // 2], fault, seconds=seconds)
        if fault in TRANSPORT_FAULTS:
            return Response(200, body, fault, fate=fault, seconds=seconds)  # type: ignore[arg-type]
        # From here on a provider would bill: the reply arrives whole.
        self.tally.answered_by_content[asked.content] += 1
        self.tally.n_prompt_tokens += asked.n_prompt_tokens
        self.tally.n_completion_tokens += turn.n_completion_tokens
        return Response(200, body, fault or "ok", seconds=seconds)

    def _seconds(self, luck: Luck) -> float:
        spread = self.behaviour.latency_spread
        return self.behaviour.latency * (math.exp(luck.gauss(0, spread)) if spread else 1.0)

    def _turn(self, asked: Asked, fault: str, luck: Luck) -> Completion:
        content = self._content(asked, luck)
        finish, refusal = "stop", None
        if fault in CONTENT_FAULTS:
            content, finish, refusal = _spoilt(fault, content)
        if asked.max_tokens is not None and len(content) // 4 + 1 > asked.max_tokens:
            content, finish = content[: asked.max_tokens * 4], "length"
        it = self.behaviour
        swapped = it.swap_after is not None and self._n_replies > it.swap_after
        return Completion(
            content=None if refusal else content,
            model=it.swapped_model if swapped else asked.model,
            n_completion_tokens=len(refusal or content) // 4 + 1,
            n_cached_tokens=self._cached(asked),
            finish_reason=finish,
            refusal=refusal,
        )

    def _content(self, asked: Asked, luck: Luck) -> str:
        if not asked.schema_name and not asked.schema:
            return "{}" if asked.way == "json" else str(filled({"type": "string"}, luck))
        if self._support(asked) == "supported":
            return self._json(asked, luck)
        # The server dropped what it does not know: the model has only the prompt to go by.
        told = self._json(asked, luck) if asked.described else _spoilt("wrong_shape", "")[0]
        return _spoilt("fenced" if luck.random() < 0.5 else "prose", told)[0]

    def _json(self, asked: Asked, luck: Luck) -> str:
        answer: Any = obedient(asked.messages, asked.schema_name, self.behaviour.gullible, luck)
        if answer is not None:
            return json.dumps(answer, ensure_ascii=False)
        given = self.behaviour.responders.get(asked.schema_name)
        if given is not None:
            answer = given(asked.messages, asked.schema, luck)
        elif self.behaviour.mode != "generic" and (found := responder(asked.schema_name)):
            answer = found(asked.messages, asked.schema, luck)
        if answer is None:
            answer = filled(asked.schema, luck) if asked.schema else {}
        return json.dumps(answer, ensure_ascii=False)

    def _cached(self, asked: Asked) -> int:
        """Prompt tokens that a provider would have in its cache: a long first message seen before."""
        first = asked.messages[0]["content"]
        known = first in self._prefixes
        self._prefixes.add(first)
        return len(first) // 4 // 64 * 64 if known else 0


def _drawn(faults: Any, rng: random.Random, always: bool = False) -> str:
    """One of the faults by its probability, "" for none; `always` takes them for weights."""
    point = rng.random() * (sum(faults.values()) if always else 1.0)
    for name, share in faults.items():
        point -= share
        if point < 0:
            return str(name)
    return next(iter(faults)) if always else ""


def _limited(outcome: str, headers: dict[str, str]) -> Response:
    message = "Rate limit reached for this model. Please try again later."
    return wire.error(429, message, outcome, "rate_limit_exceeded").with_headers(headers)


def _spoilt(fault: str, content: str) -> tuple[str, str, str | None]:
    """The content with the fault in it, the finish reason and the refusal."""
    if fault == "refusal":
        return content, "stop", "I'm sorry, but I can't help with that request."
    if fault == "content_filter":
        return "", "content_filter", None
    spoilt = {
        "truncated_content": content[: max(1, len(content) // 2)],
        "invalid_content": content.replace('"', "'").replace("{", "", 1),
        "fenced": f"```json\n{content}\n```",
        "prose": f"Sure! Here is the answer you asked for:\n\n{content}\n\nLet me know if you need more.",
        "wrong_shape": json.dumps({"answer": "yes", "score": "high", "notes": [1, 2, 3]}),
        "empty_content": "",
    }
    return spoilt[fault], "length" if fault == "truncated_content" else "stop", None
