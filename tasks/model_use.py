"""What language models did for a job, gathered from the reply table, the evaluation and the model's card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.grading.language_model_use import (
    WRITING,
    Instruction,
    LanguageModelSection,
    ModelUse,
    RenamedModel,
    Ungraded,
)
from infra import catalog as records
from infra.catalog import Evaluation, IterationRow, Job
from infra.model_registry import ModelRegistry
from tasks.workplace import Workplace


def training_usd(place: Workplace, job: Job, iterations: Sequence[IterationRow]) -> float | None:
    """What training takes by its iterations, also where replies were reused; else what was paid. None where
    a price is unknown."""
    told = [one.metrics for one in iterations if one.metrics.get("n_tokens")]
    if told:
        prices = [metrics.get("cost_usd") for metrics in told]
        known = [price for price in prices if price is not None]
        return float(sum(known)) if len(known) == len(prices) else None
    paid = [c.spent for c in records.costs_of(place.catalog, job.id) if c.purpose not in ("grade", WRITING)]
    return None if any(one.n_unpriced for one in paid) else sum(one.cost_usd for one in paid)


def model_use_of(place: Workplace, job: Job, evaluation: Evaluation | None) -> LanguageModelSection | None:
    """None where the job asked no language model and its grader asks none."""
    uses = _uses(place, job)
    figures = _numbers(evaluation.metrics if evaluation else {})
    ungraded = _ungraded(place, evaluation)
    if not uses and not ungraded and "tokens_per_answer" not in figures:
        return None
    card = _card(place, job)
    n_asked, n_replies = (int(figures.get(f"llm.{name}", 0)) for name in ("n_requests", "n_replies"))
    n_repaired = int(figures.get("llm.n_repaired", 0))
    attacks = {**_numbers(card), **_numbers(card.get("injection")), **figures}
    return LanguageModelSection(
        uses=uses,
        n_asked=n_asked,
        n_valid_at_once=n_replies - n_repaired,
        n_repaired=n_repaired,
        n_without_reply=n_asked - n_replies,
        n_reused=int(figures.get("llm.n_reused", 0)),
        saved_usd=figures.get("llm.saved_usd"),
        # Of a grader that asks nobody it is no reply's time.
        seconds_per_reply=figures.get("seconds_per_answer") if "tokens_per_answer" in figures else None,
        cost_usd_per_1000_answers=figures.get("cost_usd_per_1000_answers"),
        tokens_per_answer=figures.get("tokens_per_answer"),
        renamed=_renamed(place, {use.model for use in uses}),
        ungraded=ungraded,
        instruction_before=_text(card.get("instruction_before")),
        instruction_after=_text(card.get("instruction")),
        history=_history(card),
        injection_success_rate=attacks.get("injection_success_rate"),
        injection_raised_rate=attacks.get("injection_raised_rate"),
        injection_false_alarm_rate=attacks.get("injection_false_alarm_rate"),
    )


def _uses(place: Workplace, job: Job) -> tuple[ModelUse, ...]:
    """By model and purpose; the occasions of a purpose together."""
    uses: dict[tuple[str, str], ModelUse] = {}
    for cost in records.costs_of(place.catalog, job.id):
        key = (f"{cost.provider}:{cost.model}", cost.purpose)
        before = uses.get(key) or ModelUse(*key, 0, 0, 0, 0.0)
        spent = cost.spent
        uses[key] = ModelUse(
            *key,
            n_calls=before.n_calls + spent.n_replies,
            n_prompt_tokens=before.n_prompt_tokens + spent.n_prompt_tokens,
            n_completion_tokens=before.n_completion_tokens + spent.n_completion_tokens,
            cost_usd=before.cost_usd + spent.cost_usd,
            n_unpriced=before.n_unpriced + spent.n_unpriced,
            seconds=before.seconds + spent.seconds,
        )
    return tuple(uses[key] for key in sorted(uses))


def _ungraded(place: Workplace, evaluation: Evaluation | None) -> tuple[Ungraded, ...]:
    key = evaluation.artifacts.get("ungraded") if evaluation else None
    listed = json.loads(place.store.get_bytes(key)) if key else []
    return tuple(Ungraded(one["answer_id"], one["reason"]) for one in listed)


def _renamed(place: Workplace, used: set[str]) -> tuple[RenamedModel, ...]:
    """Those of the used models that called themselves differently over time."""
    names: dict[str, dict[str, str]] = {}
    for seen in records.models_seen(place.catalog):
        model = f"{seen.provider}:{seen.model}"
        if model in used and seen.response_model:
            names.setdefault(model, {}).setdefault(seen.response_model, f"{seen.first_at:%Y-%m-%d}")
    return tuple(
        RenamedModel(model, tuple(called.items())) for model, called in names.items() if len(called) > 1
    )


def _card(place: Workplace, job: Job) -> dict[str, Any]:
    if not job.model_name:
        return {}
    return ModelRegistry(place.tracking).card(f"models:/{job.model_name}/{job.model_version}")


def _history(card: Mapping[str, Any]) -> tuple[Instruction, ...]:
    listed = card.get("history")
    return tuple(
        Instruction(
            iteration=int(_numbers(one).get("iteration", 0)),
            text=_text(one.get("text")),
            qwk=_numbers(one).get("qwk"),
            cost_usd=_numbers(one).get("cost_usd"),
            kept=one.get("kept") is True,
        )
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping) and _text(one.get("text"))
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _numbers(values: object) -> dict[str, float]:
    """What of a JSON object is a number."""
    if not isinstance(values, Mapping):
        return {}
    return {
        str(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
