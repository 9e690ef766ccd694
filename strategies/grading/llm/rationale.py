"""Why an answer got its marks, from the points that the model ticked and the words that it quoted."""

from __future__ import annotations

from strategies.grading.llm.marking import Marked
from strategies.grading.llm.scoring import Tick, Verdict

_MOST_POINT, _MOST_QUOTE = 60, 80


def rationale(one: Marked, strange: str = "") -> str:
    """The points met, with their quotations, those missed and those whose quotation does not hold; the
    model's comment; and, first, why a human must look at it, if so."""
    assert isinstance(one.verdict, Verdict)
    named = {point.id: point.text for point in one.item.points}
    ticks = one.verdict.ticks
    met = [tick for tick in ticks if tick.earned > 0]
    unquoted = [tick for tick in ticks if tick.claimed > 0 and tick.earned == 0]
    missed = [tick for tick in ticks if tick.claimed == 0]
    parts = [f"For a human: {strange}" if strange else ""]
    if one.item.is_whole:
        parts.append(_whole(ticks[0]))
    else:
        parts.append(f"Has {len(met)} of {len(ticks)} marking points")
        parts += [f"{_named(tick, named)}{_partly(tick)}: “{_cut(tick.quote, _MOST_QUOTE)}”" for tick in met]
        parts.append(_listed("Not", [_named(tick, named) for tick in missed]))
        parts.append(
            _listed("Ticked, but the quotation is not in the answer", [_named(t, named) for t in unquoted])
        )
    if one.verdict.comment:
        parts.append(f"Comment: {one.verdict.comment}")
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


def _whole(tick: Tick) -> str:
    if tick.earned > 0:
        return f"Says {tick.earned:.0%} of the model answer: “{_cut(tick.quote, _MOST_QUOTE)}”"
    return "Says nothing of the model answer that can be quoted"


def _partly(tick: Tick) -> str:
    return "" if tick.earned >= 1 else f" ({tick.earned:.0%})"


def _named(tick: Tick, named: dict[str, str]) -> str:
    return _cut(named.get(tick.id, tick.id), _MOST_POINT)


def _listed(what: str, points: list[str]) -> str:
    return f"{what}: {'; '.join(points)}" if points else ""


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1].rsplit(' ', 1)[0]}…"
