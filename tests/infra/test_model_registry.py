"""Registering, promoting and loading model versions, with a grader of a few lines."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from domain.errors import InputError
from infra.model_forms import GRADER
from infra.model_registry import ModelCode, ModelRegistry
from infra.tracking import Tracking

ENTRY = """
import json
from pathlib import Path

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from small_ground.marks import share


class Model(PythonModel):
    def load_context(self, context):
        self.key = json.loads((Path(context.artifacts["grader"]) / "parts" / "key.json").read_text())

    def predict(self, context, model_input: pd.DataFrame, params=None):
        scores = [self.key["scale"] * share(row) for row in model_input.to_dict("records")]
        return model_input.assign(score=scores)[["score"]]


set_model(Model())
"""
EXAMPLE = pd.DataFrame(
    [{"question": "Capital of France?", "model_answer": "Paris", "max_score": 2, "answer": "Paris"}]
)
FILES = {"parts/key.json": b'{"scale": 1.0}', "model.onnx": b"\x00\x01"}


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    home = tmp_path_factory.mktemp("mlflow")
    return Tracking(f"sqlite:///{home}/mlflow.db", str(home / "artifacts"))


@pytest.fixture(scope="module")
def registry(tracking):
    return ModelRegistry(tracking)


@pytest.fixture
def run_id(tracking):
    run_id = tracking.start_or_reopen("grading", "native", {})
    tracking.log_metrics(run_id, {"test.qwk": 0.8})
    return run_id


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "entry.py").write_text(ENTRY)
    ground = folder / "small_ground"
    ground.mkdir()
    (ground / "__init__.py").write_text("")
    (ground / "marks.py").write_text(
        "def share(row):\n    return float(row['max_score']) * (row['answer'] == row['model_answer'])\n"
    )
    # Importing the entry file to save it needs its package, as domain/ is there for the real one.
    sys.path.insert(0, str(folder))
    yield ModelCode(folder / "entry.py", (ground,))
    sys.path.remove(str(folder))


@pytest.fixture
def register(registry, code, run_id, request):
    def register(files=FILES, card=None, **changes):
        given = {
            "name": request.node.name,
            "form": GRADER,
            "code": code,
            "tags": {"qwk": "0.8"},
            "example": EXAMPLE,
        }
        return registry.register(run_id, files, card or {"strategy": "native"}, **(given | changes))

    return register


def test_registering_the_same_content_again_gives_the_same_version(register, registry, request):
    first, again = register(), register()
    assert (first.version, again.version) == (1, 1)
    assert len(registry.versions(request.node.name)) == 1


def test_other_files_another_card_or_other_code_make_a_new_version(register, code, tmp_path):
    other_entry = tmp_path / "entry.py"
    other_entry.write_text(ENTRY + "\n# changed\n")
    versions = [
        register(),
        register(files={**FILES, "model.onnx": b"\x02"}),
        register(card={"strategy": "transfer"}),
        register(code=ModelCode(other_entry, code.packages)),
    ]
    assert [version.version for version in versions] == [1, 2, 3, 4]


def test_a_crash_between_logging_and_registering_leaves_one_model_and_one_version(
    register, registry, tracking, run_id, monkeypatch, request
):
    def crash(self, *_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ModelRegistry, "_version", crash)
        register()
    assert registry.versions(request.node.name) == []
    assert register().version == 1
    assert len(tracking.client.get_run(run_id).outputs.model_outputs) == 1
    assert len(registry.versions(request.node.name)) == 1


def test_a_version_names_its_run_its_figures_and_its_tags(register, run_id):
    version = register(tags={"dataset_fingerprint": "ab" * 32, "job": "j1"})
    assert version.run_id == run_id
    assert version.metrics == {"test.qwk": 0.8}
    assert version.tags.items() >= {"dataset_fingerprint": "ab" * 32, "job": "j1"}.items()


def test_a_versions_card_is_read_without_its_files(register, registry, request):
    register(card={"strategy": "llm", "history": [{"iteration": 1, "text": "Be fair."}]})
    card = registry.card(f"models:/{request.node.name}/1")
    assert card["history"][0]["text"] == "Be fair."


def test_the_champion_is_the_version_last_promoted(register, registry, request):
    name = request.node.name
    assert registry.champion(name) is None
    first = register()
    assert registry.champion(name) is None
    registry.promote(name, first.version)
    second = register(card={"strategy": "transfer"})
    assert registry.champion(name).version == 1
    registry.promote(name, second.version)
    registry.promote(name, second.version)
    assert registry.champion(name).version == 2


def test_versions_are_listed_newest_first(register, registry, request):
    register()
    register(card={"strategy": "transfer"})
    assert [version.version for version in registry.versions(request.node.name)] == [2, 1]


def test_the_files_of_a_version_come_back_as_they_were(register, registry, tmp_path, request):
    version = register()
    registry.promote(version.name, version.version)
    for uri in (version.uri, f"models:/{version.name}@champion"):
        folder = registry.download_model(uri, tmp_path / uri.replace("/", "-"))
        assert {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()} == FILES


def test_a_model_that_is_not_registered_is_named(registry, tmp_path):
    with pytest.raises(InputError, match="no-such-model"):
        registry.download_model("models:/no-such-model@champion", tmp_path)


def test_the_champion_loads_in_a_fresh_process_without_our_code_and_without_pickle(
    register, registry, tracking, tmp_path, request
):
    version = register()
    registry.promote(version.name, version.version)
    script = textwrap.dedent(f"""
        import json, mlflow, pandas as pd, sys
        mlflow.set_tracking_uri({tracking.tracking_uri!r})
        model = mlflow.pyfunc.load_model("models:/{version.name}@champion")
        rows = [
            {{"question": "q", "model_answer": "Paris", "max_score": 5, "answer": "Paris"}},
            {{"question": "q", "model_answer": "Paris", "max_score": 5, "answer": "Rome"}},
        ]
        whole = model.predict(pd.DataFrame(rows))["score"].tolist()
        more = {{"item_id": None, "alternatives": ["x"], "criteria": [{{"text": "t", "marks": 1.0}}]}}
        full = model.predict(pd.DataFrame([row | more for row in rows]))["score"].tolist()
        print(json.dumps([whole, full, "torch" in sys.modules]))
    """)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == [[5.0, 0.0], [5.0, 0.0], False]


def test_a_model_holds_no_pickle_and_pins_what_it_needs(register, registry, tmp_path):
    version = register(extra_requirements=("pydantic",))
    model = registry.download_model(version.uri, tmp_path).parents[1]
    names = {path.name for path in model.rglob("*")}
    assert not {name for name in names if name.endswith((".pkl", ".pickle", ".pt"))}
    requirements = Path(model / "requirements.txt").read_text().split()
    assert all("==" in line for line in requirements)
    assert {line.split("==")[0] for line in requirements} >= {"onnxruntime", "numpy", "pydantic"}
    assert not any(line.startswith("torch") for line in requirements)
