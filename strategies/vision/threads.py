"""How many threads torch takes within an operator, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def operators_in(threads: int) -> Iterator[None]:
    """In it this thread's operators take so many threads; 1 costs the least of the processor's seconds."""
    # Asked first: torch sets the number when a thread first asks, and would overwrite ours.
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
