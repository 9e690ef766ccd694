"""Texts that are nearly the same: reported between documents, never split between train and test.

A text is the set of its runs of three words (case, punctuation and blanks aside; + - * / = < > ^ %
count as words, since "x + 2" is not "x - 2"). Similarity is the Jaccard index of two such sets, as
MinHash estimates it with 128 permutations (standard error 0.035 at 0.8). A text of up to three words
is one run: it is near only to a text of the same words. So two short answers that differ in one word
("it is hot", "it is cold") stay apart; a change of one word unites texts of about 28 words and more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from typing import Any

from domain.identity import normalise_text

SIGNATURE_BYTES = 512
_N_PERMUTATIONS, _SEED, _SCHEME = 128, 1, "affine32"
_RUN = 3
_BLOCK = 4096
"""Runs at once: 2 MB of values."""
_WANTED_RECALL = 0.99
_WORD = re.compile(r"\w+|[-+*/=<>^%]")


@dataclass(frozen=True)
class NearPair:
    """`first` < `second`; `similarity` is the estimated Jaccard index, 1.0 for the same words."""

    first: str
    second: str
    similarity: float


def signature(text: str) -> bytes:
    """512 bytes to store beside a text: 128 little-endian 32-bit minima."""
    import numpy as np

    runs = list(_runs(text))
    minima = np.full(_N_PERMUTATIONS, 2**32 - 1, dtype=np.uint32)
    for start in range(0, len(runs), _BLOCK):
        np.minimum(minima, _minima(runs[start : start + _BLOCK]), out=minima)
    return minima.astype("<u4").tobytes()


def near_pairs(signatures: Mapping[str, bytes], threshold: float = 0.8) -> list[NearPair]:
    """Pairs at least `threshold` alike, sorted by their keys.

    Of several texts with one signature each is paired with the first only (n copies make n − 1 pairs),
    and that one alone with the texts that resemble it.
    Raises ValueError when a signature was not made by `signature`.
    """
    _check(signatures)
    firsts: dict[bytes, str] = {}
    pairs = []
    for key in sorted(signatures):
        first = firsts.setdefault(signatures[key], key)
        if first != key:
            pairs.append(NearPair(first, key, 1.0))
    pairs.extend(_alike({key: written for written, key in firsts.items()}, threshold))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def near_groups(signatures: Mapping[str, bytes], threshold: float = 0.8) -> dict[str, int]:
    """Each key's group: whatever is connected by near pairs shares a number, 0 upwards by first key."""
    above = {key: key for key in signatures}

    def top(key: str) -> str:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for pair in near_pairs(signatures, threshold):
        one, other = sorted((top(pair.first), top(pair.second)))
        above[other] = one
    numbers: dict[str, int] = {}
    return {key: numbers.setdefault(top(key), len(numbers)) for key in sorted(signatures)}


def _runs(text: str) -> set[bytes]:
    normalised = normalise_text(text).casefold()
    words = _WORD.findall(normalised) or [normalised]
    n_runs = max(1, len(words) - _RUN + 1)
    shifted = (words[at : at + n_runs] for at in range(_RUN))
    runs = map(" ".join, zip(*shifted, strict=False)) if len(words) >= _RUN else [" ".join(words)]
    return {run.encode("utf-8", "replace") for run in runs}


def _minima(runs: list[bytes]) -> Any:
    """The least value of each permutation over `runs`.

    As datasketch's MinHash computes it, whose import (SciPy, Redis) and call cost readers more than
    the text itself does.
    """
    import numpy as np

    digests = b"".join([sha1(run, usedforsecurity=False).digest()[:4] for run in runs])
    mixed: Any = np.frombuffer(digests, dtype="<u4").astype(np.uint32)
    # The finaliser of MurmurHash3.
    mixed = (mixed ^ (mixed >> 16)) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> 13)) * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> 16
    factors, offsets = _permutations()
    return (factors * mixed + offsets).min(axis=1)


@cache
def _permutations() -> tuple[Any, Any]:
    """Factors and offsets modulo 2**32, a column each."""
    import numpy as np

    chance = np.random.RandomState(_SEED)
    factors = chance.randint(0, 2**31, _N_PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    offsets = chance.randint(0, 2**32, _N_PERMUTATIONS, dtype=np.uint32)
    return factors[:, None], offsets[:, None]


def _check(signatures: Mapping[str, bytes]) -> None:
    for key, written in signatures.items():
        if len(written) != SIGNATURE_BYTES:
            raise ValueError(f"signature of {key!r} has {len(written)} bytes, not {SIGNATURE_BYTES}")


def _alike(signatures: Mapping[str, bytes], threshold: float) -> Iterator[NearPair]:
    """Pairs among texts whose signatures all differ."""
    import numpy as np
    from datasketch import LeanMinHash, MinHashLSH

    index = MinHashLSH(num_perm=_N_PERMUTATIONS, params=_bands(threshold))
    seen: dict[str, Any] = {}
    for key, written in signatures.items():
        minima = np.frombuffer(written, dtype="<u4")
        sketch = LeanMinHash(seed=_SEED, hashvalues=minima, scheme=_SCHEME)
        candidates = index.query(sketch)
        if candidates:
            shares = (np.stack([seen[other] for other in candidates]) == minima).mean(axis=1)
            for other, share in zip(candidates, shares.tolist(), strict=True):
                if share >= threshold:
                    # Keys come sorted, so the one seen earlier is the first.
                    yield NearPair(other, key, round(share, 3))
        index.insert(key, sketch, check_duplication=False)
        seen[key] = minima


def _bands(threshold: float) -> tuple[int, int]:
    """(bands, rows a band) with the longest band that still meets 99 % of the pairs at the threshold.

    datasketch's own choice weighs misses and false alarms alike and misses half of the pairs at 0.8;
    false alarms cost one comparison each here, a miss leaks a test answer into training.
    """
    best = (_N_PERMUTATIONS, 1)
    for rows in range(1, _N_PERMUTATIONS // 2 + 1):
        bands = _N_PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= _WANTED_RECALL:
            best = (bands, rows)
    return best
