"""The contract that every vision strategy keeps, on handwritten digits."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from domain.errors import InputError, SettingError, StrategyError
from domain.kinds import Kind
from domain.vision.metrics import accuracy
from strategies.base import Checkpoint, Stop
from strategies.registry import strategy, strategy_names
from strategies.vision import pixels
from strategies.vision.classifier import load_classifier
from strategies.vision.pace import Pace
from strategies.vision.threads import operators_in
from tests.strategies.architect import step, train
from tests.strategies.classroom import unpacked
from tests.strategies.gallery import gallery, unseen

CASES: Mapping[str, Mapping[str, Any]] = {
    "native": {"epochs": 6},
    "transfer": {"backbone": "residual:16"},
    "transfer, unfrozen": {"backbone": "residual:16", "epochs": 2},
    "llm": {"epochs": 5, "rounds": 2, "candidates": 2, "trial_images": 200, "trial_epochs": 1},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classifiers")


@pytest.fixture(scope="module")
def weights(place: Path) -> Path:
    """A backbone that knows the digits from 0 to 4, trained here."""
    native = strategy(Kind.VISION, "native")
    data = gallery(place / "half", range(5))
    best = train(native, native.Hyperparameters(epochs=4, flip=False), data)
    path = place / "half.safetensors"
    path.write_bytes(best.to_bytes())
    return path


def chosen(case: str, weights: Path, **more: Any) -> tuple[Any, Any]:
    found = strategy(Kind.VISION, case.partition(",")[0])
    where = {"weights": str(weights)} if found.name == "transfer" else {}
    return found, found.Hyperparameters(**{"flip": False, **CASES[case], **where, **more})


@pytest.fixture(scope="module", params=list(CASES))
def trained(request: pytest.FixtureRequest, place: Path, weights: Path) -> dict[str, Any]:
    found, config = chosen(request.param, weights)
    data = gallery(place / "all")
    checkpoints: list[Checkpoint] = []
    best = train(found, config, data, after=lambda c: checkpoints.append(c) or c)
    model = found.finish(best, data)
    folder = unpacked(model.files, place / request.param)
    return {
        "case": request.param,
        "config": config,
        "strategy": found,
        "data": data,
        "checkpoints": checkpoints,
        "best": best,
        "model": model,
        "folder": folder,
        "classifier": load_classifier(folder),
    }


def native(**more: Any) -> tuple[Any, Any]:
    found = strategy(Kind.VISION, "native")
    return found, found.Hyperparameters(**{"flip": False, "precision": "fp32", **more})


def test_images_never_seen_are_told_apart(trained: dict[str, Any]) -> None:
    images, labels = unseen()
    told = trained["classifier"].classify(images)
    # The backbone has seen the digits from 0 to 4 only.
    assert accuracy(labels, told["label"]) > (0.75 if "transfer" in trained["case"] else 0.85)
    assert list(told["class_name"]) == [str(label) for label in told["label"]]


def test_confidence_means_what_it_says_and_decides_what_a_human_sees(trained: dict[str, Any]) -> None:
    images, labels = unseen()
    told = trained["classifier"].classify(images)
    right = told["label"].to_numpy() == labels
    assert abs(told["confidence"].mean() - right.mean()) < 0.1
    assert (told["refer"] == (told["confidence"] < trained["classifier"].threshold)).all()
    assert trained["model"].card["threshold"]["promised"] == 0.95


def test_the_model_says_what_the_trained_network_said(trained: dict[str, Any]) -> None:
    assert trained["model"].card["onnx_difference"] <= 1e-4


def test_training_twice_gives_the_same_bytes(trained: dict[str, Any]) -> None:
    found = trained["strategy"]
    again = train(found, trained["config"], trained["data"])
    assert again.to_bytes() == trained["best"].to_bytes()
    assert dict(found.finish(again, trained["data"]).files) == dict(trained["model"].files)


def test_training_resumed_from_saved_checkpoints_equals_training_in_one_go(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    for before, after in zip(trained["checkpoints"], trained["checkpoints"][1:], strict=False):
        (tmp_path / "before").write_bytes(before.to_bytes())
        found = step(trained["strategy"], Checkpoint.from_file(tmp_path / "before"), trained["data"])
        assert found.to_bytes() == after.to_bytes()


def test_checkpoints_carry_their_metrics_and_the_best_so_far(trained: dict[str, Any]) -> None:
    seen = [c.metrics["accuracy"] for c in trained["checkpoints"]]
    assert [c.best for c in trained["checkpoints"]] == [max(seen[: n + 1]) for n in range(len(seen))]
    assert {"loss", "accuracy", "macro_f1", "log_loss"} <= set(trained["best"].metrics)
    assert [c.done for c in trained["checkpoints"]] == [False] * (len(seen) - 1) + [True]


def test_a_model_classifies_in_a_process_that_has_no_torch(trained: dict[str, Any], tmp_path: Path) -> None:
    images, _ = unseen()
    np.save(tmp_path / "images.npy", images[:5])
    code = f"""
import sys
class Banned:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "onnx", "sklearn", "PIL"):
            raise ImportError(name + " is banned here")
sys.meta_path.insert(0, Banned())
import numpy as np
from pathlib import Path
from strategies.vision.classifier import load_classifier
from strategies.vision.pace import Pace
told = load_classifier(Path({str(trained["folder"])!r})).classify(np.load({str(tmp_path / "images.npy")!r}))
print(*told["confidence"])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert ran.returncode == 0, ran.stderr
    expected = trained["classifier"].classify(images[:5])["confidence"]
    assert np.allclose([float(word) for word in ran.stdout.split()], expected, atol=1e-4)


def test_an_image_is_told_the_same_alone_and_among_others(trained: dict[str, Any]) -> None:
    images, _ = unseen()
    together = trained["classifier"].logits(images[:300])
    alone = trained["classifier"].logits(images[7:8])
    assert np.allclose(alone[0], together[7], atol=1e-4)
    assert trained["classifier"].classify(images[:0]).empty


def test_no_model_holds_paths_of_the_machine_that_made_it(trained: dict[str, Any]) -> None:
    here = str(Path.cwd()).encode()
    assert not any(here in content or b".py" in content for content in trained["model"].files.values())


def test_images_of_another_size_are_refused_with_the_size_wanted(trained: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"takes uint8 \(n, 8, 8, 1\)"):
        trained["classifier"].classify(np.zeros((1, 28, 28, 1), np.uint8))


def test_a_picture_file_is_told_as_its_decoded_points_are(trained: dict[str, Any]) -> None:
    images, _ = unseen()
    files = []
    for image in images[:4]:
        file = io.BytesIO()
        Image.fromarray(image[..., 0]).save(file, "PNG")
        files.append(file.getvalue())

    def decode(content: bytes, size: int, channels: int) -> bytes:
        return Image.open(io.BytesIO(content)).convert("L").resize((size, size)).tobytes()

    told = trained["classifier"].classify_files(files, decode)
    pd.testing.assert_frame_equal(told, trained["classifier"].classify(images[:4]))


def test_the_mirror_image_is_looked_at_only_where_that_helps(weights: Path, tmp_path: Path) -> None:
    data, mirrored = gallery(tmp_path), []
    # A frozen backbone was not trained on mirrored digits, the loop of native is.
    for found, config in (chosen("transfer", weights, flip=True, iterations=1), native(epochs=2, flip=True)):
        model = found.finish(train(found, config, data), data)
        classifier = load_classifier(unpacked(model.files, tmp_path / found.name))
        mirrored.append(classifier.model.preprocessing.mirrored)
    assert mirrored == [False, True]


def test_a_folder_without_a_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image classifier"):
        load_classifier(tmp_path)


def test_vision_is_tried_by_a_search_then_by_transfer_before_from_scratch() -> None:
    assert strategy_names(Kind.VISION)[:3] == ("llm", "transfer", "native")


def test_what_is_missing_in_a_dataset_is_objected_to_in_words(tmp_path: Path) -> None:
    found, config = native()
    assert found.objection(config, gallery(tmp_path / "a")) is None
    assert found.objection(config, gallery(tmp_path / "b", n=20)).startswith("only 16 images to train on")
    assert found.objection(config, gallery(tmp_path / "c", range(1))).startswith("only 1 class")
    whole = gallery(tmp_path / "d")
    lost = replace(whole, rows=whole.rows[(whole.rows["label"] != 3) | (whole.rows["split"] != "train")])
    assert found.objection(config, lost).startswith("class '3' has no image to train on")


def test_a_diverging_training_is_remedied_by_a_smaller_step(tmp_path: Path) -> None:
    found, config = native(epochs=2)
    data = gallery(tmp_path)
    first = step(found, found.start(config, data), data)
    broken = {
        n: np.full_like(a, np.nan) if n == "weights.head.weight" else a for n, a in first.tensors.items()
    }
    with pytest.raises(StrategyError, match="learning_rate") as failure:
        step(found, replace(first, tensors=broken), data)
    milder = found.remedy(first, failure.value)
    assert milder.config["learning_rate"] == config.learning_rate / 2
    assert step(found, milder, data).iteration == 2


def test_running_out_of_memory_is_remedied_by_batches_in_parts(tmp_path: Path) -> None:
    found, config = native()
    first = found.start(config, gallery(tmp_path))
    full = found.remedy(first, RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert (full.config["accumulate"], full.config["batch"]) == (2, config.batch)
    assert found.remedy(first, KeyError("label")) is None
    hopeless = replace(first, config={**first.config, "accumulate": 64})
    assert found.remedy(hopeless, MemoryError()) is None


OWN = {"network": "tests.strategies.gallery:plain_network", "epochs": 2, "learning_rate": 0.05}


def test_a_users_network_is_trained_whole_or_in_parts_alike(tmp_path: Path) -> None:
    found, whole = native(**OWN)
    _, parted = native(**OWN, accumulate=3)
    data = gallery(tmp_path)
    first, second = train(found, whole, data), train(found, parted, data)
    assert first.metrics["accuracy"] > 0.6
    for name, tensor in first.tensors.items():
        assert np.allclose(tensor, second.tensors[name], atol=1e-4), name


def test_threads_that_share_each_batch_learn_what_one_would(tmp_path: Path) -> None:
    found, config = native(**OWN, batch=40, iterations=1)
    data = gallery(tmp_path)
    with operators_in(1):
        one = train(found, config, data)
    with operators_in(2):
        two = train(found, config, data)
        assert torch.get_num_threads() == 2
    for name, tensor in one.tensors.items():
        assert np.allclose(tensor, two.tensors[name], atol=1e-4), name


def test_a_network_that_draws_at_random_draws_the_same_on_several_threads(tmp_path: Path) -> None:
    network = "tests.strategies.gallery:forgetful_network"
    found, config = native(network=network, batch=40, iterations=1, learning_rate=0.05)
    data = gallery(tmp_path)
    with operators_in(2):
        assert train(found, config, data).to_bytes() == train(found, config, data).to_bytes()


def test_images_that_do_not_fit_in_memory_are_read_as_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, config = native(**OWN, shift=1, cutout=2)
    data = gallery(tmp_path)
    held = train(found, config, data)
    monkeypatch.setattr(pixels, "_RESIDENT_BYTES", {"cpu": 0})
    assert train(found, config, data).to_bytes() == held.to_bytes()


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("magic", "network 'magic' is unknown"),
        ("tests.strategies.gallery:absent", "cannot be built"),
        ("tests.strategies.gallery:not_a_network", "gave a str"),
        ("torch.nn:Linear", "does not take 1 x 8 x 8 images"),
    ],
)
def test_a_network_that_cannot_serve_is_refused_with_the_reason(
    network: str, reason: str, tmp_path: Path
) -> None:
    found, config = native(network=network)
    objection = found.objection(config, gallery(tmp_path))
    assert objection is not None
    assert reason in objection


@pytest.mark.parametrize("clock", ["cpu", "wall"])
def test_a_budget_ends_the_training(clock: str, tmp_path: Path) -> None:
    found, config = native(budget_seconds=1.0, budget_clock=clock)
    data = gallery(tmp_path)
    seen: list[Checkpoint] = []
    train(found, config, data, after=lambda c: seen.append(c) or c)
    assert [c.state["spent_seconds"] for c in seen] == sorted(c.state["spent_seconds"] for c in seen)
    assert seen[-1].done


def test_an_iteration_ends_with_its_slice_of_the_budget_so_that_it_can_be_cancelled() -> None:
    _, config = native(budget_seconds=100)
    now = [1000.0]
    pace = Pace(config, n_train=5000, spent=40.0, judging=2.0, clock=lambda: now[0], began=1000.0)
    now[0] += 19
    assert not pace.sliced()
    assert pace.progress(step=7) == pytest.approx(59 / 97.5)
    now[0] += 2
    assert pace.sliced()


def test_a_larger_budget_buys_a_wider_network(tmp_path: Path) -> None:
    data = gallery(tmp_path)
    small, large = (
        found.start(config, data).state["network"]
        for found, config in (native(budget_seconds=0.01), native(budget_seconds=36_000))
    )
    assert (small, large) == ("residual:16", "residual:64")


@pytest.mark.parametrize("more", [{}, {"accumulate": 2}, {"budget_seconds": 1.0}])
def test_two_processes_learn_what_one_would(more: dict[str, Any], tmp_path: Path) -> None:
    found, alone = native(**OWN, **more, batch=40, iterations=1)
    _, shared = native(**OWN, **more, batch=40, iterations=1, workers=2)
    data = gallery(tmp_path)
    one, two = train(found, alone, data), train(found, shared, data)
    assert one.iteration == two.iteration == 1
    if not more.get("budget_seconds"):  # a budget's steps are not the same twice
        for name, tensor in one.tensors.items():
            assert np.allclose(tensor, two.tensors[name], atol=1e-4), name


def test_what_goes_wrong_in_other_processes_is_told_here(tmp_path: Path) -> None:
    found, config = native(**OWN, workers=2)
    data = gallery(tmp_path)
    first = found.start(config, data)
    broken = {name: np.full_like(array, np.nan) for name, array in first.tensors.items()}
    with pytest.raises(StrategyError, match="the loss is no number: lower learning_rate"):
        step(found, replace(first, tensors=broken), data)


def test_training_stops_when_the_target_is_reached(tmp_path: Path) -> None:
    found, config = native(epochs=50, target=0.8)
    best = train(found, config, gallery(tmp_path))
    assert best.done
    assert best.iteration < 50
    assert best.metrics["accuracy"] >= 0.8


@pytest.mark.parametrize("imbalance", ["auto", "oversample"])
def test_a_rare_class_is_found_more_often_when_it_counts_for_more(imbalance: str, tmp_path: Path) -> None:
    whole = gallery(tmp_path)
    rare = (whole.rows["label"] == 8) & (whole.rows["split"] == "train")
    data = replace(whole, rows=whole.rows.drop(index=whole.rows[rare].index[6:]))
    reached = {}
    for way in ("ignore", imbalance):
        found, config = native(epochs=6, imbalance=way)
        reached[way] = train(found, config, data).metrics["macro_f1"]
    assert reached[imbalance] > reached["ignore"]


def test_weights_that_are_not_there_are_objected_to_with_the_way_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    found, data = strategy(Kind.VISION, "transfer"), gallery(tmp_path)
    objection = found.objection(found.Hyperparameters(), data)
    assert "pip install 'trainyard[vision]'" in objection or "weights=hub" in objection
    absent = found.Hyperparameters(backbone="residual:16", weights=str(tmp_path / "absent.pth"))
    assert "is no file" in found.objection(absent, data)
    local = found.Hyperparameters(backbone="residual:16")
    assert "is on no hub" in found.objection(local, data)


def test_weights_of_another_hash_or_network_are_objected_to(weights: Path, tmp_path: Path) -> None:
    data = gallery(tmp_path)
    found, config = chosen("transfer", weights, weights_sha256="0" * 64)
    assert "has SHA-256" in found.objection(config, data)
    _, wider = chosen("transfer", weights, backbone="residual:24")
    assert "are not of backbone 'residual:24'" in found.objection(wider, data)
    _, right = chosen("transfer", weights)
    assert "for images of 1 channel" in found.objection(right, gallery(tmp_path / "rgb", channels=3))


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this ran",)


def test_a_weights_file_that_holds_code_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"head.weight": Harmful()}, tmp_path / "weights.pth")
    found, config = chosen("transfer", tmp_path / "weights.pth")
    assert "holds no weights that can be read safely" in found.objection(config, gallery(tmp_path / "g"))
    assert "this ran" not in capsys.readouterr().out


def test_a_state_dict_of_torch_serves_as_weights(weights: Path, tmp_path: Path) -> None:
    from strategies.vision.weights import read_weights

    torch.save({"state_dict": read_weights(weights)}, tmp_path / "weights.pth")
    found, config = chosen("transfer", tmp_path / "weights.pth", iterations=1)
    data = gallery(tmp_path)
    assert found.objection(config, data) is None
    assert train(found, config, data).metrics["accuracy"] > 0.8


def test_weights_that_change_during_a_training_stop_it(weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(weights.read_bytes())
    found, config = chosen("transfer", copy)
    data = gallery(tmp_path)
    first = found.start(config, data)
    copy.write_bytes(b"other")
    with pytest.raises(StrategyError, match="are gone"):
        step(found, first, data)


def test_images_that_are_not_what_their_rows_say_are_refused(tmp_path: Path) -> None:
    found, config = native()
    data = gallery(tmp_path)
    np.save(data.images_path, np.zeros((3, 8, 8, 1), np.uint8))
    with pytest.raises(StrategyError, match="prepare the dataset again"):
        found.start(config, data)


def test_an_architecture_of_torchvision_is_trained_by_its_name(tmp_path: Path) -> None:
    found, config = native(network="torchvision:squeezenet1_1", epochs=1, iterations=1)
    try:
        import torchvision  # noqa: F401
    except ImportError:
        assert "pip install" in found.objection(config, gallery(tmp_path))
        return
    big = gallery(tmp_path, n=150)
    np.save(big.images_path, np.load(big.images_path).repeat(4, axis=1).repeat(4, axis=2))
    assert found.objection(config, big) is None
    model = found.finish(train(found, config, big), big)
    assert model.card["network"] == "torchvision:squeezenet1_1"


def test_a_name_that_torchvision_does_not_have_is_refused() -> None:
    from strategies.vision.networks import build_network

    with pytest.raises(SettingError, match="torchvision"):
        build_network("torchvision:magic", 10, 3, 32, 0)


def test_a_training_leaves_the_process_with_every_float_that_there_is(tmp_path: Path) -> None:
    own, config = native(iterations=1)
    step(own, own.start(config, gallery(tmp_path)), gallery(tmp_path))
    assert np.nextafter(np.float64(0), np.float64(1)) * np.float64(1) > 0


@pytest.mark.parametrize(
    ("case", "more"), [("native", {}), ("native", {"workers": 2}), ("transfer", {}), ("llm", {})]
)
def test_a_long_iteration_ends_as_soon_as_it_is_asked_to(
    case: str, more: Mapping[str, Any], weights: Path, tmp_path: Path
) -> None:
    found, config = chosen(case, weights, **more)
    data = gallery(tmp_path)
    data = replace(data, surroundings=replace(data.surroundings, stop=tmp_path / "stop"))
    first = found.start(config, data)
    (tmp_path / "stop").touch()
    with pytest.raises(Stop):
        step(found, first, data)
