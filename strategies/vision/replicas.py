"""A network that learns each batch in several threads of this process, a part of the batch in each.

Not by threads within each operator: where other work takes a core from one of them the others wait, and that
took up to eight times the processor's seconds (measured in docs/pictures.md; the backward pass in bf16).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import torch
from torch import nn

from strategies.vision.threads import operators_in

LEAST_PART = 8
"""Fewer images than this say too little of a normalisation's mean and deviation."""
_MOST = 4
"""More threads than this wait for Python; cores beyond are used within operators."""

Learn = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Runs images and their labels through a network there and back; their share of the batch's loss."""


class Replicas:
    """The network that is trained, and copies that have its weights but gradients of their own.

    Normalisations see one part of the batch each; the running statistics are those of the first part.
    Source: Hoffer et al. (2017), ghost batch normalisation.
    """

    def __init__(self, network: nn.Module, copies: list[nn.Module], pool: ThreadPoolExecutor | None) -> None:
        self._network, self._copies, self._pool = network, copies, pool

    def learn(self, learn: Learn, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of a batch, whose gradients are added up, always in the same order, in the network."""
        if self._pool is None:
            return learn(self._network, images, labels)
        n = len(self._copies) + 1
        parts = list(zip(images.chunk(n), labels.chunk(n), strict=True))
        coming = [
            self._pool.submit(learn, replica, *part)
            for replica, part in zip(self._copies, parts[1:], strict=False)
        ]
        total = learn(self._network, *parts[0])
        for share in coming:
            total = total + share.result()
        self._gather()
        return total

    @torch.no_grad()
    def _gather(self) -> None:
        for replica in self._copies:
            ours: list[torch.Tensor] = []
            theirs: list[torch.Tensor] = []
            for held, copied in zip(self._network.parameters(), replica.parameters(), strict=True):
                if copied.grad is None:
                    continue
                if held.grad is None:
                    held.grad = copied.grad
                else:
                    ours.append(held.grad)
                    theirs.append(copied.grad)
                copied.grad = None
            if ours:
                torch._foreach_add_(ours, theirs)


@contextmanager
def replicas_of(network: nn.Module, example: torch.Tensor, n_images: int) -> Iterator[Replicas]:
    """As many as this process has threads and parts of `n_images` allow; one on a CUDA device.

    `example` are two or more images as the network takes them. Within it torch uses the threads that
    the replicas leave over.
    """
    before = torch.get_num_threads()
    n = min(before, _MOST, n_images // LEAST_PART) if example.device.type == "cpu" else 1
    copies = _copies(network, example, n - 1) if n > 1 else []
    if not copies:
        yield Replicas(network, [], None)
        return
    each, all_here = before // n, Barrier(n)

    def begin() -> None:
        # Asked first: torch sets the number when a thread first asks, and would overwrite ours.
        torch.get_num_threads()
        torch.set_num_threads(each)
        all_here.wait()

    with ThreadPoolExecutor(n - 1, "replica") as pool, operators_in(each):
        for _ in copies:
            pool.submit(begin)
        all_here.wait()
        yield Replicas(network, copies, pool)


def _copies(network: nn.Module, example: torch.Tensor, n: int) -> list[nn.Module]:
    """None where the network draws at random (dropout): threads would draw in another order each time."""
    try:
        copies = [copy.deepcopy(network) for _ in range(n)]
    except (RuntimeError, TypeError):  # of a user's network that holds what cannot be copied
        return []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = torch.get_rng_state()
        copies[0](example)
        if not torch.equal(before, torch.get_rng_state()):
            return []
    for replica in copies:
        _share(network, replica)
    return copies


def _share(network: nn.Module, replica: nn.Module) -> None:
    """Makes the replica's parameters be the network's own numbers."""
    for held, copied in zip(network.parameters(), replica.parameters(), strict=True):
        copied.data = held.data
        copied.grad = None
