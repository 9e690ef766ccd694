"""Model files from elsewhere: what is taken, and what never is."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from domain.errors import InputError
from domain.kinds import Kind
from strategies.vision.model_files import NETWORK, ClassifierModel, Preprocessing
from tasks.model_upload import checked_files, tried


def graph(n_classes: int = 2, external: bool = False) -> bytes:
    """uint8 pictures (n, 4, 4, 1) → the mean of their points, once a class."""
    weights = numpy_helper.from_array(np.ones((16, n_classes), np.float32), "weights")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="../../etc/passwd")
    shape = numpy_helper.from_array(np.array([-1, 16]), "shape")
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    takes = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 4, 4, 1])
    gives = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", n_classes])
    made = helper.make_graph(nodes, "small", [takes], [gives], [weights, shape])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.fixture
def folder(tmp_path):
    model = ClassifierModel("native", ("cat", "dog"), Preprocessing(4, 1, (0.0,), (1.0,), mirrored=False))
    for name, content in {**model.to_files(), NETWORK: graph()}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_classifiers_files_are_taken_and_tried(folder):
    assert set(checked_files(folder)) == {path.name for path in folder.iterdir()}
    assert tried(folder) == (Kind.VISION, "native")


@pytest.mark.parametrize("name", ["model.pkl", "model.pt", "run.py", "data.bin", "MLmodel"])
def test_files_that_no_model_has_are_refused(folder, name):
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=f"{name} is not one of a model's files"):
        checked_files(folder)


def test_a_pickle_under_another_name_is_refused(folder):
    (folder / "labels.json").write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(InputError, match=r"labels\.json is no JSON"):
        checked_files(folder)
    (folder / "labels.json").write_text('["cat", "dog"]')
    (folder / NETWORK).write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(InputError, match=r"no ONNX graph"):
        checked_files(folder)


def test_a_graph_that_reads_other_files_is_refused(folder):
    (folder / NETWORK).write_bytes(graph(external=True))
    with pytest.raises(InputError, match="weights in other files"):
        checked_files(folder)


def test_a_graph_that_reads_other_files_within_a_branch_is_refused(folder):
    outer = onnx.load_model_from_string(graph())
    hidden = onnx.load_model_from_string(graph(external=True)).graph
    outer.graph.node.append(
        helper.make_node("If", ["yes"], ["other"], then_branch=hidden, else_branch=hidden)
    )
    (folder / NETWORK).write_bytes(outer.SerializeToString())
    with pytest.raises(InputError, match="weights in other files"):
        checked_files(folder)


def test_a_link_is_refused(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.json"
    elsewhere.write_text("{}")
    (folder / "more.json").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"more\.json is not one"):
        checked_files(folder)


def test_labels_and_graph_have_to_belong_together(folder):
    (folder / NETWORK).write_bytes(graph(n_classes=3))
    with pytest.raises(InputError, match="must belong together"):
        tried(folder)


def test_a_folder_without_a_graph_is_no_model(tmp_path):
    (tmp_path / "labels.json").write_text("[]")
    with pytest.raises(InputError, match="has no ONNX graph"):
        checked_files(tmp_path)
