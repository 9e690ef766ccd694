"""What language models did for a job, as a page shows it: tables, and an instruction with its changes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.grading.language_model_use import LanguageModelSection
from domain.reports.wording import counted, money, share

_MOST_TEXT = 6000


@dataclass(frozen=True)
class Change:
    """A run of words: `kind` is "same", "new" or "gone"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Tried:
    """An instruction of the history."""

    iteration: str
    qwk: str
    cost: str
    kept: bool
    text: str


@dataclass(frozen=True)
class LanguageModelView:
    uses: tuple[tuple[str, ...], ...]
    """Model, purpose, calls, tokens in, tokens out, cost; the last row is the sum."""
    figures: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    ungraded: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    """The instruction that the model grades with, against the one that training began with."""
    history: tuple[Tried, ...]


def language_model_view(section: LanguageModelSection | None) -> LanguageModelView | None:
    """None where no language model was asked."""
    if section is None:
        return None
    return LanguageModelView(
        uses=tuple(_uses(section)),
        figures=tuple(_figures(section)),
        notes=tuple(_notes(section)),
        ungraded=tuple((one.answer_id, one.reason) for one in section.ungraded),
        changes=changes_of(section.instruction_before, section.instruction_after),
        history=tuple(
            Tried(str(one.iteration), _or_unknown(one.qwk, "{:.3f}"), money(one.cost_usd), one.kept, one.text)
            for one in section.history
        ),
    )


def _uses(section: LanguageModelSection) -> Iterator[tuple[str, ...]]:
    for use in section.uses:
        yield (
            use.model, use.purpose or "other", f"{use.n_calls:,}", f"{use.n_prompt_tokens:,}",
            f"{use.n_completion_tokens:,}", money(use.known_cost_usd),
        )  # fmt: skip
    if len(section.uses) > 1:
        into = sum(use.n_prompt_tokens for use in section.uses)
        out = sum(use.n_completion_tokens for use in section.uses)
        total = money(section.cost_usd)
        yield ("All", "", f"{section.n_calls:,}", f"{into:,}", f"{out:,}", total)


def _figures(section: LanguageModelSection) -> Iterator[tuple[str, str]]:
    yield "Paid for this job", money(section.cost_usd)
    if section.n_reused:
        saved = money(section.saved_usd)
        yield "Replies reused from earlier runs", f"{section.n_reused:,}, which had cost {saved}"
    if section.cost_usd_per_1000_answers is not None or section.tokens_per_answer is not None:
        yield "Grading 1,000 answers", money(section.cost_usd_per_1000_answers)
    if section.tokens_per_answer is not None:
        yield "Tokens for an answer", f"{section.tokens_per_answer:,.0f}"
    if section.seconds_per_reply is not None:
        yield "Time of a reply", f"{section.seconds_per_reply:.2g} s"
    if section.n_asked:
        for name, n in (
            ("Valid at once", section.n_valid_at_once),
            ("Valid after one repair", section.n_repaired),
            ("Without a usable reply", section.n_without_reply),
        ):
            yield name, f"{share(n / section.n_asked)} ({n:,} of {section.n_asked:,})"
    for name, rate in (
        ("Attacks that earned marks unseen by a human", section.injection_success_rate),
        ("The same if no human looked at any answer", section.injection_raised_rate),
        ("Innocent look-alikes flagged", section.injection_false_alarm_rate),
    ):
        if rate is not None:
            yield name, share(rate)


def _notes(section: LanguageModelSection) -> Iterator[str]:
    unpriced = sum(use.n_unpriced for use in section.uses)
    if unpriced:
        known = sum(use.cost_usd for use in section.uses)
        lower = f"; the others cost {money(known)}" if known else ""
        yield f"The price of {counted(unpriced, 'call')} is not known{lower}."
    for model in section.renamed:
        told = ", then ".join(f"{name} (from {day})" if day else name for name, day in model.names)
        yield (
            f"{model.model} answered under several names: {told}. Another model may have graded part of "
            "the answers."
        )


def changes_of(before: str, after: str) -> tuple[Change, ...]:
    """The words of `after` with those of `before` that are gone; one run where nothing changed."""
    before, after = before[:_MOST_TEXT], after[:_MOST_TEXT]
    if not before or before == after:
        return (Change("same", after),) if after else ()
    old, new = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (before, after))
    changes: list[Change] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            changes.append(Change("same", "".join(new[c:d])))
            continue
        if b > a:
            changes.append(Change("gone", "".join(old[a:b])))
        if d > c:
            changes.append(Change("new", "".join(new[c:d])))
    return tuple(changes)


def _or_unknown(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
