"""The tensors of a network as bytes, little-endian, one after the other in the order of its graph.

Raw bytes and not recorded initialisers: whatever a network does to its weights when it is built (residual
branches that begin at zero, orthogonal layers, tables of positions) arrives as it was, nothing has to be
understood, and their number is bounded by the graph's sizes, which are checked first.
"""

from __future__ import annotations

import numpy as np

from domain.errors import InputError
from domain.vision.graph import DTYPE_BYTES, NetworkGraph


def arrays(graph: NetworkGraph, content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a graph, in its order, from their bytes one after the other.

    Raises InputError where there are too few or too many, or one is not finite.
    """
    found, at = {}, 0
    if len(content) != sum(spec.n_bytes for spec in graph.tensors.values()):
        raise InputError("the weights do not have the sizes that the graph gives them")
    for name, spec in graph.tensors.items():
        values = np.frombuffer(content, spec.dtype, spec.n_values, at).reshape(spec.shape)
        if spec.dtype == "bool" and spec.n_values and values.view(np.uint8).max() > 1:
            raise InputError(f"tensor {name} holds what is neither true nor false")
        if spec.role == "parameter" and not np.isfinite(values).all():
            raise InputError(f"the initial values of {name} are not all finite: initialise it")
        found[name] = values
        at += spec.n_values * DTYPE_BYTES[spec.dtype]
    return found
