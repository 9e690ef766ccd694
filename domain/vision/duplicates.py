"""Pictures that are the same, and pictures that are nearly the same (saved anew, scaled, a little brighter).

Everything is computed from the decoded tensor, so what counts as the same is what training sees. A
signature is 32 bytes: a difference hash of 128 bits (brighter to the right? darker below?) and the
brightness of 16 cells. Candidates are neighbours in several sorted orders of the signatures; each
candidate is then compared point by point. A picture mirrored, turned or cut differently is not found.
Source of the difference hash: N. Krawetz, "Kind of Like That" (2013).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SIGNATURE_BYTES = 32
MOST_BITS = 16
"""Of 128 that may differ between candidates."""
MOST_DIFFERENCE = 0.15
"""Between near copies: root mean square of the difference of their brightness once mean and spread are
evened out, i.e. sqrt(2 − 2 r) for correlation r. 0.15 is r = 0.989. At 28 points a side, where clothes of
one kind look alike, 0.25 chains 2,700 of Fashion-MNIST's pictures into one group, 0.15 at most 11."""
FLAT = 4.0
"""Standard deviation of brightness below which a picture has nothing to compare by."""
_CLEARLY = 3.0
"""Brighter by as much: the noise of an even background sets no bit."""
_GRID, _CELLS, _COMPARED = 9, 4, 32
_NEIGHBOURS = 12
_BLOCK = 4096


def image_ids(images: np.ndarray) -> list[str]:
    """SHA-256 of each picture's decoded points, hexadecimal: equal for what a network cannot tell apart."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in images]


def signatures(images: np.ndarray) -> np.ndarray:
    """(n, 32) bytes for (n, size, size, channels) pictures."""
    grey = _grey(images)
    grid = _scaled(grey, _GRID)
    right = grid[:, :-1, 1:] > grid[:, :-1, :-1] + _CLEARLY
    below = grid[:, 1:, :-1] > grid[:, :-1, :-1] + _CLEARLY
    bits = np.concatenate([right.reshape(len(grid), -1), below.reshape(len(grid), -1)], axis=1)
    cells = _scaled(grey, _CELLS).reshape(len(grid), -1).round().astype(np.uint8)
    return np.concatenate([np.packbits(bits, axis=1), cells], axis=1)


def near_groups(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """For each of `rows` (places in `images`, no two of them the same picture) the number of its group.

    Pictures that are near copies share one, chains of them too; the others have one each. Groups are
    numbered from 0 by their first row.
    """
    signed = np.concatenate(
        [signatures(images[rows[at : at + _BLOCK]]) for at in range(0, len(rows), _BLOCK)]
        or [np.empty((0, SIGNATURE_BYTES), np.uint8)]
    )
    above = np.arange(len(rows))

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = int(above[one])
        return one

    for pairs in _candidates(signed):
        alike = _alike(images, rows, pairs)
        for one, other in pairs[alike]:
            low, high = sorted((top(int(one)), top(int(other))))
            above[high] = low
    tops = np.array([top(one) for one in range(len(rows))], dtype=np.int64)
    return np.unique(tops, return_inverse=True)[1] if len(tops) else tops


def _candidates(signed: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (first < second) of places whose hashes differ in few bits, in blocks; each pair once."""
    hashes = np.ascontiguousarray(signed[:, :16]).view(np.uint64)
    seen = np.empty(0, np.int64)
    for start in range(0, 16, 2):
        # The bytes in another order: a near copy agrees on two bytes somewhere, and stands close there.
        columns = [*range(start, 16), *range(start), *range(16, SIGNATURE_BYTES)]
        # Within the same two bytes by brightness: plain pictures have one hash by the thousand.
        keys = np.ascontiguousarray(signed[:, [*columns[:2], *columns[16:], *columns[2:16]]])
        order = np.argsort(keys.view(f"S{SIGNATURE_BYTES}").ravel(), kind="stable")
        found = []
        for step in range(1, _NEIGHBOURS + 1):
            one, other = order[:-step], order[step:]
            bits = np.bitwise_count(hashes[one] ^ hashes[other]).sum(axis=1)
            near = bits <= MOST_BITS
            pairs = np.sort(np.stack([one[near], other[near]], axis=1), axis=1)
            found.append(pairs[:, 0] * len(signed) + pairs[:, 1])
        fresh = np.setdiff1d(np.concatenate(found), seen)
        seen = np.union1d(seen, fresh)
        for at in range(0, len(fresh), _BLOCK):
            block = fresh[at : at + _BLOCK]
            yield np.stack([block // len(signed), block % len(signed)], axis=1)


def _alike(images: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    one, other = (_evened(images[rows[pairs[:, side]]]) for side in (0, 1))
    difference = np.sqrt(np.mean((one.points - other.points) ** 2, axis=1))
    return np.asarray((difference <= MOST_DIFFERENCE) & (one.spread >= FLAT) & (other.spread >= FLAT))


@dataclass(frozen=True)
class _Evened:
    """`points` (n, m) with mean 0 and standard deviation 1; `spread` the deviation before."""

    points: np.ndarray
    spread: np.ndarray


def _evened(images: np.ndarray) -> _Evened:
    grey = _grey(images)
    if grey.shape[1] > _COMPARED:
        grey = _scaled(grey, _COMPARED)
    flat = grey.reshape(len(grey), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    spread = flat.std(axis=1)
    return _Evened(flat / np.maximum(spread, 1e-6)[:, None], spread)


def _grey(images: np.ndarray) -> np.ndarray:
    """(n, size, size) float32, 0 to 255."""
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float32)
    grey: np.ndarray = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def _scaled(grey: np.ndarray, n: int) -> np.ndarray:
    """(n_images, n, n): means over a grid of cells, which overlap where the size is no multiple of n."""
    weights = _cells(grey.shape[1], n)
    means: np.ndarray = np.einsum("ij,njk,lk->nil", weights, grey, weights, optimize=True)
    return means


def _cells(size: int, n: int) -> np.ndarray:
    """(n, size) weights: the share that each point has in each cell."""
    edges = np.linspace(0, size, n + 1)
    points = np.arange(size)
    low = np.maximum(points[None, :], edges[:-1, None])
    high = np.minimum(points[None, :] + 1, edges[1:, None])
    weights = np.clip(high - low, 0, None)
    shares: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
