"""Whether a challenger takes the champion's place: by measurement, or because it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite


class Rule(StrEnum):
    """When a new version becomes champion. Where there is no champion yet, only NEVER keeps it from it."""

    BETTER = "better"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Gap:
    """The challenger's figure minus the champion's on `n` common held-out examples, higher being better.

    `low` and `high` bound the 95 % interval of a paired bootstrap, NaN where none could be computed.
    """

    metric: str
    protocol: str
    value: float
    low: float
    high: float
    p: float
    n: int

    @property
    def beyond_chance(self) -> bool:
        return isfinite(self.low) and self.low > 0


@dataclass(frozen=True)
class Decision:
    """`champion` names whom the challenger met, "" for nobody; `gap` is None where nothing was measured."""

    promoted: bool
    rule: Rule
    reason: str
    champion: str = ""
    gap: Gap | None = None

    def tags(self) -> Mapping[str, str]:
        """The decision and its numbers, as a version is tagged with them."""
        told = {
            "promotion.decision": "promoted" if self.promoted else "challenger",
            "promotion.rule": self.rule.value,
            "promotion.reason": self.reason,
        }
        if self.champion:
            told["promotion.against"] = self.champion
        if self.gap is not None:
            told |= {
                "promotion.protocol": self.gap.protocol,
                f"promotion.{self.gap.metric}_gap": f"{self.gap.value:.6g}",
                f"promotion.{self.gap.metric}_gap_low": f"{self.gap.low:.6g}",
                f"promotion.{self.gap.metric}_gap_high": f"{self.gap.high:.6g}",
                "promotion.p": f"{self.gap.p:.6g}",
                "promotion.n": str(self.gap.n),
            }
        return told


def decide(rule: Rule, champion: str, gap: Gap | None, obstacle: str = "") -> Decision:
    """The decision. `obstacle` says why the two could not be measured against each other, if so.

    A tie keeps the champion: what people have come to rely on is not changed without a reason.
    """
    if rule is Rule.NEVER:
        return Decision(False, rule, "it was told not to be promoted", champion, gap)
    if not champion:
        return Decision(True, rule, "there was no champion yet")
    measured = _told(gap, champion) if gap is not None else obstacle
    if rule is Rule.ALWAYS:
        return Decision(True, rule, f"it was told to be promoted; {measured}", champion, gap)
    return Decision(gap is not None and gap.beyond_chance, rule, measured, champion, gap)


def _told(gap: Gap, champion: str) -> str:
    where = f"on {gap.n} held-out examples that both were measured on ({gap.protocol.replace('_', ' ')})"
    if not isfinite(gap.low):
        return f"{where} no interval of the difference to {champion} can be computed"
    verdict = "better than" if gap.low > 0 else "worse than" if gap.high < 0 else "not surely different from"
    return (
        f"{gap.metric} is {gap.value:+.3f} (95 % interval {gap.low:+.3f} to {gap.high:+.3f}) {where}: "
        f"{verdict} {champion}"
    )
