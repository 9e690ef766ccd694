"""MLflow on a real SQLite file: what a run says, and that saying it twice changes nothing."""

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr

from domain.errors import InputError, OutsideError
from infra.tracking import Tracking

TAGS = {"job": "j1", "strategy": "native"}


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    home = tmp_path_factory.mktemp("mlflow")
    tracking = Tracking(f"sqlite:///{home}/deep/mlflow.db", str(home / "artifacts"))
    tracking.prepare()
    return tracking


@pytest.fixture
def run_id(tracking):
    return tracking.start_or_reopen("grading", "native on demo", TAGS)


def data(tracking, run_id):
    return tracking.client.get_run(run_id).data


def test_a_new_run_is_running_and_carries_its_tags(tracking, run_id):
    assert tracking.status(run_id) == "RUNNING"
    assert data(tracking, run_id).tags.items() >= TAGS.items()
    assert data(tracking, run_id).tags["mlflow.runName"] == "native on demo"


def test_a_resumed_job_reopens_its_run_and_makes_no_second_one(tracking, run_id):
    tracking.end(run_id, "FAILED")
    assert tracking.start_or_reopen("grading", "again", {"attempt": "2"}, run_id=run_id) == run_id
    assert tracking.status(run_id) == "RUNNING"
    assert data(tracking, run_id).tags["attempt"] == "2"
    tracking.end(run_id, "FINISHED")
    assert tracking.status(run_id) == "FINISHED"


def test_a_deleted_run_is_brought_back_by_its_job(tracking, run_id):
    tracking.client.delete_run(run_id)
    assert tracking.start_or_reopen("grading", "x", {}, run_id=run_id) == run_id
    tracking.log_metrics(run_id, {"qwk": 0.5})


def test_a_run_that_mlflow_has_lost_is_replaced(tracking):
    lost = "0" * 32
    assert tracking.start_or_reopen("grading", "x", {}, run_id=lost) != lost


def test_two_processes_may_make_the_same_experiment_in_a_new_database_at_once(tmp_path):
    script = textwrap.dedent(f"""
        from infra.tracking import Tracking
        tracking = Tracking("sqlite:///{tmp_path}/m.db", "{tmp_path}/artifacts")
        print(tracking.start_or_reopen("same name", "r", {{}}))
    """)
    both = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        for _ in range(2)
    ]
    runs = {process.communicate(timeout=120)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(runs) == 2
    client = Tracking(f"sqlite:///{tmp_path}/m.db").client
    assert len({client.get_run(run).info.experiment_id for run in runs}) == 1


def test_a_replayed_iteration_adds_no_point_to_a_curve(tracking, run_id):
    for _ in range(2):
        tracking.log_iteration_metrics(run_id, 1, {"qwk": 0.4, "loss": 1.0})
    tracking.log_iteration_metrics(run_id, 2, {"qwk": 0.5, "loss": math.nan})
    tracking.log_iteration_metrics(run_id, 1, {"qwk": 0.9})
    history = tracking.client.get_metric_history(run_id, "qwk")
    assert sorted((m.step, m.value) for m in history) == [(1, 0.4), (2, 0.5)]
    assert tracking.metrics(run_id)["qwk"] == 0.5


def test_a_figure_that_was_computed_anew_replaces_the_shown_one(tracking, run_id):
    tracking.log_metrics(run_id, {"test.qwk": 0.70})
    tracking.log_metrics(run_id, {"test.qwk": 0.70})
    tracking.log_metrics(run_id, {"test.qwk": 0.72})
    assert len(tracking.client.get_metric_history(run_id, "test.qwk")) == 2
    assert tracking.metrics(run_id) == {"test.qwk": 0.72}


def test_parameters_are_logged_flat_without_secrets_and_long_texts_are_cut(tracking, run_id):
    params = {
        "head": {"lr": 0.1, "layers": [8, 4]},
        "note": "x" * 9000,
        "openai_api_key": "sk-hidden",
        "extra": SecretStr("hidden-too"),
        "url": "postgresql://user:hidden@db/x",
        "n_tokens": 7,
    }
    tracking.log_params(run_id, params)
    tracking.log_params(run_id, params)
    logged = data(tracking, run_id).params
    assert logged["head.lr"] == "0.1"
    assert logged["head.layers"] == "[8, 4]"
    assert logged["n_tokens"] == "7"
    assert len(logged["note"]) == 6000
    assert "hidden" not in str(logged)
    assert set(logged) == {"head.lr", "head.layers", "note", "url", "n_tokens"}


def test_a_parameter_that_changed_on_resume_is_kept_beside_the_first(tracking, run_id):
    for iterations in (10, 20, 20, 10):
        tracking.log_params(run_id, {"iterations": iterations})
    assert data(tracking, run_id).params == {"iterations": "10", "iterations.2": "20"}


def test_more_parameters_than_mlflow_takes_at_once_all_arrive(tracking, run_id):
    tracking.log_params(run_id, {f"p{n}": n for n in range(250)})
    assert len(data(tracking, run_id).params) == 250


def test_the_dataset_is_an_input_of_the_run_once(tracking, run_id):
    for _ in range(2):
        tracking.log_dataset(run_id, "demo", "ab" * 32, "training", {"n_answers": 120})
    (given,) = tracking.client.get_run(run_id).inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("demo", "ab" * 18)
    assert '"n_answers": 120' in given.dataset.profile
    assert data(tracking, run_id).tags["dataset_fingerprint"] == "ab" * 32


def test_artifacts_json_and_tables_are_files_of_the_run(tracking, run_id, tmp_path):
    (tmp_path / "report.html").write_text("<p>é</p>", encoding="utf-8")
    tracking.log_artifacts(run_id, tmp_path, "report")
    tracking.log_json(run_id, {"splits": {"train": 3}}, "data/splits.json")
    frame = pd.DataFrame({"item": ["1a", "1b"], "qwk": [0.5, float("nan")]})
    for _ in range(2):
        tracking.log_table(run_id, frame, "tables/items.json")
    listed = [tracking.client.list_artifacts(run_id, folder) for folder in ("report", "data", "tables")]
    files = {file.path for folder in listed for file in folder}
    assert files == {"report/report.html", "data/splits.json", "tables/items.json"}
    table = json.loads(Path(tracking.client.download_artifacts(run_id, "tables/items.json")).read_text())
    assert table == {"columns": ["item", "qwk"], "data": [["1a", 0.5], ["1b", None]]}
    # The tag is what makes MLflow's pages show the file as a table.
    shown = json.loads(data(tracking, run_id).tags["mlflow.loggedArtifacts"])
    assert shown == [{"path": "tables/items.json", "type": "table"}]


def test_runs_left_running_are_settled_and_finished_ones_are_left_alone(tracking):
    dead, done = (tracking.start_or_reopen("grading", name, {}) for name in ("dead", "done"))
    tracking.end(done, "FINISHED")
    assert tracking.settle([dead, done, "f" * 32]) == (dead,)
    assert (tracking.status(dead), tracking.status(done)) == ("KILLED", "FINISHED")


def test_the_page_of_a_run_names_its_experiment(tracking, run_id):
    experiment = tracking.client.get_experiment_by_name("grading").experiment_id
    url = tracking.run_url("http://127.0.0.1:5000/", run_id)
    assert (
        url == f"http://127.0.0.1:5000/#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning"
    )


def test_an_unknown_run_is_named(tracking):
    with pytest.raises(InputError, match="f" * 32):
        tracking.log_metrics("f" * 32, {"qwk": 1.0})


def test_a_server_that_is_down_is_an_error_from_outside_that_hides_the_password(free_port):
    tracking = Tracking(f"http://user:hidden@127.0.0.1:{free_port}")
    with pytest.raises(OutsideError, match="TRAINYARD_MLFLOW_TRACKING_URI") as caught:
        tracking.start_or_reopen("grading", "x", {})
    assert "hidden" not in str(caught.value)


def test_a_database_that_cannot_be_made_is_an_error_from_outside(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutsideError, match="File exists"):
        Tracking(f"sqlite:///{tmp_path}/file/mlflow.db").prepare()


def test_importing_the_module_does_not_import_mlflow_and_telemetry_is_off_before_it_is():
    script = (
        "import sys, infra.tracking, infra.model_registry; assert 'mlflow' not in sys.modules;"
        "infra.tracking.Tracking('sqlite:///x.db');"
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    plain = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith("MLFLOW_") and k not in {"CI", "PYTEST_CURRENT_TEST"}
    }
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=_ROOT, env=plain
    )
    assert done.stdout.strip() == "True", done.stderr


_ROOT = Path(__file__).resolve().parents[2]


def test_a_database_whose_making_was_killed_is_made_anew(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code = f"from infra.mlflow_access import open_client; open_client({uri!r})"
    draft = tmp_path / ".mlflow.db.draft"
    maker = subprocess.Popen([sys.executable, "-c", code])
    while not (draft.exists() and draft.stat().st_size > 0):
        assert maker.poll() is None, "it ended before it could be killed"
    maker.kill()
    maker.wait()
    assert not (tmp_path / "mlflow.db").exists()
    tracking = Tracking(uri, str(tmp_path / "artifacts"))
    run_id = tracking.start_or_reopen("grading", "after the kill", {})
    assert tracking.status(run_id) == "RUNNING"
    assert not draft.exists()
