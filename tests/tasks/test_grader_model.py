"""A trained grader as an MLflow model: registered, then loaded where there is no Trainyard."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import domain
import strategies
from domain.errors import InputError
from domain.kinds import Kind
from infra.model_forms import GRADER
from infra.model_registry import ModelCode, ModelRegistry
from infra.tracking import Tracking
from strategies.grading.grader import load_grader
from strategies.registry import strategy
from tasks.grader_model import Known, frames_of
from tests.strategies.classroom import answers, dataset, items, train

ROOT = Path(__file__).resolve().parents[2]
NOTHING_KNOWN = Known({}, {})


def table(*names, n=4, seed=5, **changes):
    """Rows as people have them: one an answer, whole numbers for marks."""
    described = items(*names).set_index("item_id")
    rows = [
        {
            "item_id": answer.item_id,
            "question": described.at[answer.item_id, "question"],
            "model_answer": described.at[answer.item_id, "model_answer"],
            "max_score": int(answer.max_score),
            "answer": answer.text,
        }
        for answer in answers(*names, n=n, seed=seed).itertuples()
    ]
    return pd.DataFrame([row | changes for row in rows])


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    home = tmp_path_factory.mktemp("registered")
    native = strategy(Kind.GRADING, "native")
    data = dataset(home / "scratch")
    model = native.finish(train(native, native.Hyperparameters(iterations=2, members=3), data), data)
    tracking = Tracking(f"sqlite:///{home}/mlflow.db", str(home / "artifacts"))
    run_id = tracking.start_or_reopen("grading", "native", {})
    registry = ModelRegistry(tracking)
    packages = (Path(domain.__file__).parent, Path(strategies.__file__).parent)
    version = registry.register(
        run_id,
        model.files,
        model.card,
        name="grader",
        form=GRADER,
        code=ModelCode(ROOT / "tasks" / "grader_model.py", packages),
        tags={},
        example=table("plants", n=2),
    )
    registry.promote("grader", version.version)
    return registry, tracking


@pytest.fixture(scope="module")
def grader(registered, tmp_path_factory):
    registry, _ = registered
    return load_grader(registry.download_model("models:/grader@champion", tmp_path_factory.mktemp("down")))


@pytest.fixture
def predicted(registered, tmp_path):
    """What `mlflow.pyfunc` says in a new process, outside the repository, of tables in JSON."""
    _, tracking = registered

    def predicted(*tables):
        script = textwrap.dedent(f"""
            import json, sys
            import mlflow, pandas as pd
            # As on a machine without Trainyard: its folders and editable install are not there.
            sys.path = [p for p in sys.path if p != {str(ROOT)!r}]
            sys.meta_path = [f for f in sys.meta_path if "editable" not in type(f).__module__ + str(f)]
            mlflow.set_tracking_uri({tracking.tracking_uri!r})
            model = mlflow.pyfunc.load_model("models:/grader@champion")
            tables = [pd.DataFrame(rows) for rows in json.load(sys.stdin)]
            grades = [model.predict(table).to_dict("records") for table in tables]
            import domain
            said = {{"grades": grades, "domain": domain.__file__, "torch": "torch" in sys.modules}}
            print(json.dumps(said))
        """)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps([one.to_dict("records") for one in tables]),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return predicted


def test_the_champion_grades_in_a_fresh_process_without_trainyard_torch_or_pickle(predicted, grader):
    known, unseen = table("plants", "rust"), table("sound").drop(columns="item_id")
    without_ids = known.drop(columns="item_id")
    blank = table("plants", n=1, answer="")
    said = predicted(known, without_ids, unseen, blank)
    assert str(ROOT) not in said["domain"]
    assert not said["torch"]

    given = answers("plants", "rust", n=4, seed=5)
    expected = grader.grade(items("plants", "rust"), given)
    graded = pd.DataFrame(said["grades"][0])
    assert graded["score"].tolist() == pytest.approx(expected["score"].tolist())
    assert graded[["mark", "refer", "rationale"]].equals(expected[["mark", "refer", "rationale"]])
    # A row that names no item is still recognised by what it says.
    assert said["grades"][1] == said["grades"][0]
    assert all("has seen no graded answer" in grade["rationale"] for grade in said["grades"][2])
    assert said["grades"][3][0]["score"] == 0


def test_rows_come_back_in_their_order_with_their_index(grader):
    rows = table("plants", "rust", n=3).sample(frac=1, random_state=1)
    items_frame, answers_frame = frames_of(rows, NOTHING_KNOWN)
    assert answers_frame["text"].tolist() == rows["answer"].tolist()
    assert sorted(items_frame["item_id"]) == ["plants", "rust"]


def test_criteria_and_alternatives_of_a_row_reach_the_grader():
    rows = table("plants", n=1)
    rows["criteria"] = [[{"text": "leaves", "marks": 2}]]
    rows["alternatives"] = [["Leaves make sugar."]]
    (item,) = frames_of(rows, NOTHING_KNOWN)[0].to_dict("records")
    assert item["criteria"] == [{"text": "leaves", "marks": 2.0}]
    assert item["alternatives"] == ["Leaves make sugar."]


def test_rows_without_an_id_share_an_item_when_they_say_the_same():
    rows = table("plants", "rust", n=3).drop(columns="item_id")
    items_frame, answers_frame = frames_of(rows, NOTHING_KNOWN)
    assert len(items_frame) == 2
    assert answers_frame["item_id"].nunique() == 2


@pytest.mark.parametrize("worth", [0, -1, None, "a lot", float("inf")])
def test_a_row_that_does_not_say_what_the_item_is_worth_is_named(worth):
    rows = pd.concat([table("plants", n=1), table("rust", n=1, max_score=worth)])
    with pytest.raises(InputError, match="row 2: max_score"):
        frames_of(rows, NOTHING_KNOWN)


def test_two_descriptions_of_one_item_are_refused():
    rows = pd.concat([table("plants", n=1), table("plants", n=1, model_answer="Something else.")])
    with pytest.raises(InputError, match="row 2: item 'plants' is described differently"):
        frames_of(rows, NOTHING_KNOWN)


def test_a_known_item_with_another_maximum_is_refused_rather_than_graded_on_the_old_scale():
    with pytest.raises(InputError, match="was worth 3 when the model was trained, not 5"):
        frames_of(table("plants", n=1, max_score=5), Known({"plants": 3.0}, {}))
