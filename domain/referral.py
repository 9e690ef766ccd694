"""Which answers a human should look at: the threshold of confidence above which a promise holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

REFER_ALL = 2.0
"""The threshold that no confidence reaches: every answer goes to a human."""


@dataclass(frozen=True)
class Threshold:
    """Answers with confidence ≥ `threshold` are graded automatically, the others referred.

    `share` of the answers it was chosen on are at or above it, `agreement` of those agree with the
    examiner, and with `certainty` the true agreement is at least `lower_bound`. `reason` says in words
    how it was chosen, or why every answer is referred.
    """

    threshold: float
    share: float
    agreement: float
    lower_bound: float
    n: int
    promised: float
    certainty: float
    reason: str


def agrees(
    mark: npt.ArrayLike, gold: npt.ArrayLike, max_score: npt.ArrayLike, tolerance: float
) -> npt.NDArray[np.bool_]:
    """Where a mark is within `tolerance` × max_score of the gold one. NaN golds agree with nothing."""
    m, g, top = (np.asarray(a, dtype=float) for a in (mark, gold, max_score))
    return np.asarray(np.abs(m - g) <= tolerance * top + 1e-6, dtype=bool)


def referral_curve(confidence: npt.ArrayLike, agreed: npt.ArrayLike) -> pd.DataFrame:
    """One row a distinct confidence, falling: columns threshold, n, agreed, share, agreement.

    `share` of all answers have at least that confidence, and `agreement` is the share of them that agree.
    """
    sure = np.asarray(confidence, dtype=float)
    order = np.argsort(-sure, kind="stable")
    sure, hits = sure[order], np.cumsum(np.asarray(agreed, dtype=float)[order])
    # Equal confidences stand or fall together: only the last of each run is a possible cut.
    last = np.flatnonzero(np.append(np.diff(sure) != 0, True)) if len(sure) else np.array([], int)
    n = last + 1
    return pd.DataFrame(
        {
            "threshold": sure[last],
            "n": n,
            "agreed": hits[last].astype(int),
            "share": n / max(len(sure), 1),
            "agreement": hits[last] / n,
        }
    )


def lower_bound(agreed: npt.ArrayLike, n: npt.ArrayLike, certainty: float) -> npt.NDArray[np.float64]:
    """The one-sided lower bound of a share that was seen as `agreed` of `n`, with `certainty`.

    Source: Clopper and Pearson (1934).
    """
    from scipy.stats import beta  # Late: it costs 0.3 s, and the command line's --help needs none of it.

    k, total = np.asarray(agreed, dtype=float), np.asarray(n, dtype=float)
    bound = beta.ppf(1 - certainty, np.maximum(k, 1e-9), total - k + 1)
    return np.asarray(np.where(k > 0, bound, 0.0), dtype=float)


def design_effect(agreed: npt.ArrayLike, groups: npt.ArrayLike) -> float:
    """By how much agreement varies more than it would if the answers of a group were independent, ≥ 1.

    One student's answers succeed or fail together, so n of them tell less than n of n students.
    Source: Kish (1965), the ratio of the clustered to the simple variance of a mean.
    """
    hits, group = np.asarray(agreed, dtype=float), np.unique(np.asarray(groups), return_inverse=True)[1]
    mean, n = hits.mean() if len(hits) else 0.0, len(hits)
    simple = mean * (1 - mean) / max(n, 1)
    n_groups = int(group.max()) + 1 if n else 0
    if n_groups < 2 or simple == 0:
        return 1.0
    sums = np.bincount(group, hits - mean)
    clustered = float((sums**2).sum()) / n**2 * n_groups / (n_groups - 1)
    return max(1.0, clustered / simple)


def choose_threshold(
    confidence: npt.ArrayLike,
    agreed: npt.ArrayLike,
    promised: float,
    certainty: float = 0.8,
    least: int = 20,
    groups: npt.ArrayLike | None = None,
    things: str = "graded answers",
) -> Threshold:
    """The lowest confidence at which agreement is, with `certainty`, at least `promised`.

    Asked of the answers at or above it, which must be `least` in number. `groups` (an answer's student)
    makes the bound allow for answers that succeed or fail together. Where no confidence is enough,
    the threshold is `REFER_ALL` and `reason` says what was missing. `things` is what `reason` calls them.
    """
    curve = referral_curve(confidence, agreed)
    total = int(curve["n"].max()) if len(curve) else 0
    if total < least:
        missing = f"only {total} {things} to choose a threshold on, at least {least} needed"
        return _refer_all(promised, certainty, missing)
    effect = 1.0 if groups is None else design_effect(agreed, groups)
    bounds = lower_bound(curve["agreed"] / effect, curve["n"] / effect, certainty)
    enough = (curve["n"] >= least).to_numpy()
    kept = np.flatnonzero(enough & (bounds >= promised))
    if not len(kept):
        best = int(np.argmax(np.where(enough, bounds, -1.0)))
        row = curve.iloc[best]
        missing = (
            f"the promise of {promised:.0%} is out of reach: at best {row['agreement']:.1%} of the "
            f"{row['n']:.0f} most confident {things.split()[-1]} agree, which assures only {bounds[best]:.1%}"
        )
        return _refer_all(promised, certainty, missing)
    row = curve.iloc[kept[-1]]
    return Threshold(
        threshold=float(row["threshold"]),
        share=float(row["share"]),
        agreement=float(row["agreement"]),
        lower_bound=float(bounds[kept[-1]]),
        n=int(row["n"]),
        promised=promised,
        certainty=certainty,
        reason=f"{row['agreement']:.1%} of the {row['n']:.0f} {things.split()[-1]} at or above it agree, "
        f"at least {bounds[kept[-1]]:.1%} with {certainty:.0%} certainty",
    )


def _refer_all(promised: float, certainty: float, reason: str) -> Threshold:
    nan = float("nan")
    return Threshold(REFER_ALL, 0.0, nan, nan, 0, promised, certainty, reason)
