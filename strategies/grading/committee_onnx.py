"""The committee as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from strategies.grading.committee import N_LEVELS, WIDEST, Floats, Tensors, part_of
from strategies.grading.networks import PARAMETERS

# Each line: operator, inputs, output.
_CLIPPED = """
Sub features centre centred
Div centred scale scaled
Clip scaled lowest highest clipped
"""
_NETWORKS = """
MatMul clipped inner inner_product
Add inner_product inner_bias raw
Sigmoid raw gate
Mul raw gate hidden
MatMul hidden outer outer_product
MatMul clipped direct direct_product
Add outer_product direct_product height
Add height thresholds logits
Sigmoid logits by_networks
"""
# A table's leaf: the answers to its questions read as a binary number, after the leaves of those before.
_TABLES = """
Gather clipped question asked
Greater asked edge above
Cast above bits
Reshape bits by_level table_bits
MatMul table_bits powers within
Add within first_leaf address
Cast address place
Gather leaf place leaves
Reshape leaves by_member member_leaves
ReduceSum member_leaves last_axis heights
Transpose heights table_heights
Add table_heights base table_logits
Sigmoid table_logits by_tables
Add by_networks by_tables both
Div both two exceedances
"""


def to_onnx(state: Tensors, centre: Floats, scale: Floats) -> bytes:
    """Raw `features` (n, f) → `exceedances` (members, n, levels)."""
    from onnx import TensorProto, checker, helper, numpy_helper

    networks, tables = part_of(state, "network"), part_of(state, "table")
    constants = {name: networks[f"average.{name}"] for name in PARAMETERS} | _table_constants(tables)
    constants |= {"centre": centre, "scale": scale, "two": np.array(2.0)}
    constants |= {"lowest": np.array(-WIDEST), "highest": np.array(WIDEST)}
    attributes: dict[str, dict[str, Any]] = {
        "asked": {"axis": 1},
        "bits": {"to": TensorProto.FLOAT},
        "place": {"to": TensorProto.INT64},
        "heights": {"keepdims": 1},
        "table_heights": {"perm": [1, 0, 2]},
    }
    nodes = []
    for line in (_CLIPPED + _NETWORKS + _TABLES).split("\n"):
        if line:
            operator, *inputs, output = line.split()
            nodes.append(helper.make_node(operator, inputs, [output], **attributes.get(output, {})))

    word = helper.make_tensor_value_info(
        "exceedances", TensorProto.FLOAT, [len(tables["base"]), "n", N_LEVELS]
    )
    graph = helper.make_graph(
        nodes,
        "committee",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(centre)])],
        [word],
        [numpy_helper.from_array(_typed(value), name) for name, value in sorted(constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="trainyard")
    model.ir_version = 9
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _table_constants(tables: Tensors) -> dict[str, np.ndarray]:
    n_members, n_tables, depth = tables["question"].shape
    n_leaves = tables["leaf"].shape[2]
    return {
        "question": tables["question"].astype(np.int64).ravel(),
        "edge": tables["edge"].ravel(),
        "leaf": tables["leaf"].ravel(),
        "base": tables["base"],
        "powers": 2.0 ** np.arange(depth)[::-1, None],
        # Exact in float32 as long as there are fewer than 2^24 leaves.
        "first_leaf": (np.arange(n_members * n_tables) * n_leaves).astype(np.float32)[:, None],
        "by_level": np.array([-1, n_members * n_tables, depth]),
        "by_member": np.array([-1, n_members, n_tables]),
        "last_axis": np.array([2]),
    }


def _typed(value: Floats) -> np.ndarray:
    """Integers as int64, all else as float32: what the operators take."""
    return np.ascontiguousarray(value, np.int64 if value.dtype.kind == "i" else np.float32)
