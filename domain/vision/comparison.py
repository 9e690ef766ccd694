"""Two classifiers on the same pictures: which one labels more of them rightly, and whether by chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.grading.metrics import bootstrap_interval, mean
from domain.promotion import Gap


def accuracy_gap(
    labels: npt.ArrayLike, champion: npt.ArrayLike, challenger: npt.ArrayLike, groups: npt.ArrayLike
) -> Gap:
    """The challenger's accuracy minus the champion's, of their predicted labels, all (n,).

    The interval is a paired bootstrap over `groups` (near copies are drawn together); p is McNemar's exact
    two-sided test on the pictures that only one of them labels rightly. Source: McNemar (1947).
    """
    from scipy.stats import binomtest

    truth = np.asarray(labels)
    before, now = np.asarray(champion) == truth, np.asarray(challenger) == truth
    gained, lost = int((now & ~before).sum()), int((before & ~now).sum())
    interval = bootstrap_interval(mean, now.astype(float) - before.astype(float), groups=np.asarray(groups))
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return Gap("accuracy", "test", interval.value, interval.low, interval.high, p, len(truth))
