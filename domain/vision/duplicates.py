"""Pictures that are the same, and pictures that are nearly the same (saved anew, scaled, a little brighter).

Everything is computed from the decoded tensor, so what counts as the same is what training sees. A
sketch is a difference hash of 128 bits (brighter to the right? brighter below?) and the brightness of 16
cells, and of 64. Candidates are neighbours in several sorted orders of the sketches; each is then compared
point by point. A picture mirrored, turned or cut differently is not found.
Source of the difference hash: N. Krawetz, "Kind of Like That" (2013).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MOST_BITS = 16
"""Of 128 that may differ between candidates."""
MOST_DIFFERENCE = 0.15
"""Between near copies: root mean square of the difference of their brightness once mean and spread are
evened out, i.e. sqrt(2 − 2 r) for correlation r. 0.15 is r = 0.989. At 28 points a side, where clothes of
one kind look alike, 0.25 chains 2,700 of Fashion-MNIST's pictures into one group, 0.15 at most 36."""
FLAT = 4.0
"""Standard deviation of brightness below which a picture has nothing to compare by."""
_CLEARLY = 3.0
"""Brighter by as much: the noise of an even background sets no bit."""
_GRID, _CELLS, _FINE_CELLS, _COMPARED = 9, 4, 8, 32
_NEIGHBOURS = 12
_BLOCK = 4096


def image_ids(images: np.ndarray) -> list[str]:
    """SHA-256 of each picture's decoded points, hexadecimal: equal for what a network cannot tell apart."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in images]


@dataclass(frozen=True)
class _Sketches:
    """Of n pictures: `hashes` (n, 16) bytes, `cells` (n, 16) and `fine` (n, 64) brightness of grids, evened,
    `spread` (n,)."""

    hashes: np.ndarray
    cells: np.ndarray
    fine: np.ndarray
    spread: np.ndarray


def near_groups(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """For each of `rows` (places in `images`, no two of them the same picture) the number of its group.

    Pictures that are near copies share one, chains of them too; the others have one each. Groups are
    numbered from 0 by their first row.
    """
    parts = [_sketches(images[rows[at : at + _BLOCK]]) for at in range(0, len(rows), _BLOCK)]
    above = np.arange(len(rows))

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = int(above[one])
        return one

    for pairs in _candidates(_joined(parts)) if len(rows) > 1 else ():
        for one, other in pairs[_alike(images, rows, pairs)]:
            low, high = sorted((top(int(one)), top(int(other))))
            above[high] = low
    tops = np.array([top(one) for one in range(len(rows))], dtype=np.int64)
    return np.unique(tops, return_inverse=True)[1] if len(tops) else tops


def _joined(parts: list[_Sketches]) -> _Sketches:
    return _Sketches(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.cells for part in parts]),
        np.concatenate([part.fine for part in parts]),
        np.concatenate([part.spread for part in parts]),
    )


def _sketches(images: np.ndarray) -> _Sketches:
    grey = _grey(images)
    grid = _scaled(grey, _GRID)
    right = grid[:, :-1, 1:] > grid[:, :-1, :-1] + _CLEARLY
    below = grid[:, 1:, :-1] > grid[:, :-1, :-1] + _CLEARLY
    bits = np.concatenate([right.reshape(len(grid), -1), below.reshape(len(grid), -1)], axis=1)
    evened = _evened(grey)
    side = round(evened.points.shape[1] ** 0.5)
    points = evened.points.reshape(-1, side, side)
    cells, fine = (_scaled(points, n).reshape(len(points), -1) for n in (_CELLS, _FINE_CELLS))
    return _Sketches(np.packbits(bits, axis=1), cells, fine, evened.spread)


def _candidates(sketches: _Sketches) -> Iterator[np.ndarray]:
    """Pairs (first < second) of places that may be near copies, in blocks; each pair once."""
    n = len(sketches.hashes)
    words = np.ascontiguousarray(sketches.hashes).view(np.uint64)
    # Among those of one hash by brightness: plain pictures have the same by the thousand.
    brightness = np.clip(128 + 40 * sketches.cells, 0, 255).astype(np.uint8)
    found = []
    for start in range(0, 16, 2):
        # The bytes in another order: a near copy agrees on two bytes somewhere, and stands close there.
        columns = [*range(start, 16), *range(start)]
        keys = [sketches.hashes[:, columns[:2]], brightness, sketches.hashes[:, columns[2:]]]
        order = np.argsort(np.concatenate(keys, axis=1).view("S32").ravel(), kind="stable")
        for step in range(1, _NEIGHBOURS + 1):
            one, other = order[:-step], order[step:]
            near = np.bitwise_count(words[one] ^ words[other]).sum(axis=1) <= MOST_BITS
            one, other = one[near], other[near]
            near = np.minimum(sketches.spread[one], sketches.spread[other]) >= FLAT
            one, other = one[near], other[near]
            # Cells never differ by more than their points do, so that few pairs need to be looked at whole.
            for cells in (sketches.cells, sketches.fine):
                near = _differences(cells[one], cells[other]) <= MOST_DIFFERENCE + 1e-3
                one, other = one[near], other[near]
            found.append(np.minimum(one, other) * n + np.maximum(one, other))
    pairs = np.sort(np.concatenate(found))
    pairs = pairs[np.insert(pairs[1:] != pairs[:-1], 0, True)] if len(pairs) else pairs
    for at in range(0, len(pairs), _BLOCK):
        block = pairs[at : at + _BLOCK]
        yield np.stack([block // n, block % n], axis=1)


def _alike(images: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    one, other = (_evened(_grey(images[rows[pairs[:, side]]])).points for side in (0, 1))
    alike: np.ndarray = _differences(one, other) <= MOST_DIFFERENCE
    return alike


def _differences(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,): root mean squares of the differences of rows."""
    by = one - other
    differences: np.ndarray = np.sqrt(np.einsum("ij,ij->i", by, by) / by.shape[1])
    return differences


@dataclass(frozen=True)
class _Evened:
    """`points` (n, m) with mean 0 and standard deviation 1; `spread` the deviation before."""

    points: np.ndarray
    spread: np.ndarray


def _evened(grey: np.ndarray) -> _Evened:
    if grey.shape[1] > _COMPARED:
        grey = _scaled(grey, _COMPARED)
    flat = grey.reshape(len(grey), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", flat, flat) / flat.shape[1])
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
    # Two products of whole matrices: einsum makes one of every picture.
    across = (grey @ weights.T).transpose(0, 2, 1)
    means: np.ndarray = (np.ascontiguousarray(across) @ weights.T).transpose(0, 2, 1)
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
