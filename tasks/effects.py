"""What strategies wish for is done here, once: an outcome is kept before it is handed over."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import SettingError
from domain.grading.injection import guarded
from domain.identity import fingerprint
from domain.language_models import Answered, AskModel, Reply, Request
from infra.embeddings import embed
from infra.llm import Budget, LanguageModels
from infra.settings import load_settings
from strategies.base import Ask, Effect, Outcome, Trace
from tasks.language_models import language_models
from tasks.tracing import trace_once


def perform(wish: Effect, scratch: Path, ask: AskModel, heed: Callable[[], None] = lambda: None) -> Outcome:
    """The outcome of a wish, from `scratch` or the reply table where it was granted before.

    `heed` is called while generated code is traced: what it raises ends that.
    """
    if isinstance(wish, Ask):
        return tuple(ask(wish.requests))
    if isinstance(wish, Trace):
        return trace_once(wish.programs, wish.limits, scratch, heed)
    return embed_once(list(wish.texts), wish.model, scratch)


def embed_once(texts: list[str], model: str, scratch: Path) -> np.ndarray:
    """Remote embeddings, float32 (len(texts), d); the same texts are paid for once."""
    settings = load_settings()
    key = fingerprint([settings.embeddings_base_url, model, texts])
    kept = scratch / "embeddings" / f"{key}.npy"
    if kept.exists():
        return np.load(kept, allow_pickle=False)  # type: ignore[no-any-return]
    if settings.embeddings_api_key is None and settings.embeddings_base_url is None:
        raise SettingError(
            "neither TRAINYARD_EMBEDDINGS_API_KEY nor TRAINYARD_EMBEDDINGS_BASE_URL is set: "
            "export one, or use a local encoder (--set encoder=auto)"
        )
    vectors = embed(
        texts,
        model=model,
        base_url=settings.embeddings_base_url,
        api_key=settings.embeddings_api_key,
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    half = kept.with_suffix(f".{os.getpid()}.part")
    try:
        half.write_bytes(content.getvalue())
        half.replace(kept)
    finally:
        # Still there where the disk was full.
        half.unlink(missing_ok=True)
    return vectors


class Asking:
    """Asks language models on behalf of one payer (a job's id), and remembers what that took."""

    def __init__(
        self,
        models: LanguageModels,
        payer: str,
        budget: Budget | None,
        occasion: str,
        heed: Callable[[], None] | None = None,
    ) -> None:
        self._models, self._payer, self._budget, self._occasion = models, payer, budget, occasion
        self._heed = heed
        self._guarded = guarded(self._complete)
        self.usage = Usage()

    def __call__(self, requests: Sequence[Request]) -> Sequence[Answered]:
        return self._guarded(requests)

    def _complete(self, requests: Sequence[Request]) -> Sequence[Answered]:
        answered = self._models.complete(
            requests, payer=self._payer, budget=self._budget, occasion=self._occasion, heed=self._heed
        )
        self.usage = self.usage.with_these(answered)
        return answered


@dataclass(frozen=True)
class Usage:
    """What replies took, whether they were just paid for or came from the reply table.

    `cost_usd` is None as soon as one of them has an unknown price. `saved_usd` is what the reused ones
    had cost, as far as it is known.
    """

    n_requests: int = 0
    n_replies: int = 0
    n_reused: int = 0
    n_repaired: int = 0
    n_tokens: int = 0
    cost_usd: float | None = 0.0
    saved_usd: float = 0.0
    seconds: float = 0.0

    def with_these(self, answered: Sequence[Answered]) -> Usage:
        replies = [one for one in answered if isinstance(one, Reply)]
        costs = [one.cost_usd for one in replies]
        known = [cost for cost in costs if cost is not None]
        unknown = self.cost_usd is None or len(known) < len(costs)
        return Usage(
            n_requests=self.n_requests + len(answered),
            n_replies=self.n_replies + len(replies),
            n_reused=self.n_reused + sum(one.reused for one in replies),
            n_repaired=self.n_repaired + sum(one.n_turns > 1 for one in replies),
            n_tokens=self.n_tokens
            + sum((one.n_prompt_tokens or 0) + (one.n_completion_tokens or 0) for one in replies),
            cost_usd=None if unknown else (self.cost_usd or 0.0) + sum(known),
            saved_usd=self.saved_usd + sum(one.cost_usd or 0.0 for one in replies if one.reused),
            seconds=self.seconds + sum(one.seconds for one in replies),
        )

    def told(self) -> str:
        """In one line for people."""
        cost = "cost unknown" if self.cost_usd is None else f"${self.cost_usd:.4f}"
        reused = f", {self.n_reused} of them from earlier" if self.n_reused else ""
        return (
            f"{self.n_replies} of {self.n_requests} requests answered{reused}, {self.n_tokens} tokens, {cost}"
        )


def asking(
    payer: str,
    budget_share: float = 1.0,
    occasion: str = "",
    heed: Callable[[], None] | None = None,
) -> Asking | None:
    """Who asks for `payer`, within that share of the job's budget; None where no model is set up.

    Costs are told by `occasion` ("iteration 3"). Marking is asked behind a guard against injection.
    `heed` is called while replies are waited for; what it raises ends that.
    """
    models = language_models()
    if not models.names:
        return None
    settings = load_settings()
    usd, tokens = settings.llm_budget_usd, settings.llm_budget_tokens
    budget = Budget(
        usd=None if usd is None else usd * budget_share,
        tokens=None if tokens is None else int(tokens * budget_share),
    )
    return Asking(models, payer, budget, occasion, heed)


def ask_nobody(requests: Sequence[Request]) -> Sequence[Answered]:
    """For places without a language model."""
    raise SettingError(
        f"{len(requests)} questions to a language model, but none is set up: export "
        "TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, TRAINYARD_GROQ_API_KEY or "
        "TRAINYARD_LLM_BASE_URL"
    )
