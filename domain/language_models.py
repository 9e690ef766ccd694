"""One exchange with a language model, as records: what is asked, and what came of it.

Whoever needs a model (a parser, a strategy, a report) makes `Request`s and is given, for each in order,
a `Reply` or a `ReplyError`; it never sees a provider, a key, a retry or a price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from domain.errors import ReplyError


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """What is asked of a language model. Equal requests have equal replies: they are paid for once.

    `schema` is a JSON schema in the subset that all providers share: objects whose properties are all
    required, `additionalProperties: false`, null for what may be missing, numeric limits (they are
    checked here). None asks for plain text.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "reply"
    model: str = ""
    """"provider:name"; empty for the settings' models in their order."""
    temperature: float | None = 0.0
    """None for models that take no temperature."""
    max_tokens: int = 1024
    seed: int | None = None
    repeat: int = 0
    """Which of several replies to the same words, for self-consistency."""
    subjects: tuple[str, ...] = field(default=(), compare=False)
    """Ids of the submissions whose text is in it: their replies can be purged with them."""
    purpose: str = field(default="", compare=False)
    """What it is for, in a word or two ("grade", "reflect"): costs are told by it."""


@dataclass(frozen=True)
class Reply:
    """What a model answered: `data` is the checked JSON where the request had a schema, else None.

    Tokens and cost are of all turns, repair included; None where the provider or the price file does
    not say. Only `reused` tells a reply from the table from one just paid for.
    """

    text: str
    data: Any
    provider: str
    model: str
    """As it was asked for."""
    response_model: str
    """As it called itself."""
    fingerprint: str = ""
    n_prompt_tokens: int | None = None
    n_completion_tokens: int | None = None
    cost_usd: float | None = None
    seconds: float = 0.0
    n_turns: int = 1
    """2 where the first answer could not be read and was repaired."""
    mode: Literal["schema", "json", "tool", "text"] = "text"
    reused: bool = field(default=False, compare=False)


Answered = Reply | ReplyError
"""What became of one request. A ReplyError is a value here: it concerns that request alone."""

AskModel = Callable[[Sequence[Request]], Sequence[Answered]]
"""Asks all requests, and gives what became of each in the same order."""
