"""Pictures on the whole road, through the command line: archive, classifier, report, labels, models."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from mlflow.tracking import MlflowClient
from PIL import Image

from infra import catalog as records
from infra.catalog import Catalog, JobState
from tests.data.pictures import encoded, zipped
from tests.flows.conftest import CommandLine

QUICK = ("--strategy", "native", "--set", "flip=false", "--set", "epochs=6", "--set", "network=residual:4")


def digit(points: np.ndarray) -> bytes:
    grey = np.clip(255 - points * 16, 0, 255).astype(np.uint8)
    return encoded(Image.fromarray(grey.repeat(2, axis=0).repeat(2, axis=1)))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of scikit-learn's digits as a ZIP of folders, and a file that is no picture."""
    from sklearn.datasets import load_digits

    given = load_digits()
    contents = {
        f"{label}/{number:04}.png": digit(points)
        for number, (points, label) in enumerate(zip(given.images, given.target, strict=True))
        if number % 3 == 0
    }
    contents["3/broken.png"] = b"\x89PNG\r\n\x1a\n nonsense"
    return zipped(tmp_path_factory.mktemp("digits") / "digits.zip", contents)


def command(digits: Path, *more: str) -> list[str | Path]:
    return ["pipeline", "--images", digits, "--dataset", "digits", "--allow-rejects", *QUICK, *more]


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, prefect_api: str, digits: Path
) -> tuple[CommandLine, dict[str, Any]]:
    home = tmp_path_factory.mktemp("pictures") / "home"
    trainyard = CommandLine(home, {"TRAINYARD_PREFECT_API_URL": prefect_api})
    return trainyard, trainyard.json(*command(digits))


def test_an_archive_becomes_an_evaluated_classifier_and_a_report(finished: tuple[CommandLine, Any]) -> None:
    _, outcome = finished
    head = outcome["evaluate"]["headline"]
    assert head["accuracy"][0] > 0.6 > 0.2 > head["majority_accuracy"][0]
    assert head["accuracy"][1] < head["accuracy"][0] < head["accuracy"][2]
    folder = Path(outcome["report"]["folder"])
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "report.md", "report.json", "predictions.csv",
    }  # fmt: skip
    html = (folder / "report.html").read_text()
    assert "Content-Security-Policy" in html and "default-src 'none'" in html
    assert "data:image/png;base64," in html, "mistakes are shown"
    assert "<script" not in html and "<link" not in html, "one file, nothing fetched"
    told = json.loads((folder / "report.json").read_text())
    metrics = set(told["evaluation"]["metrics"]["metric"]["values"])
    assert {"accuracy", "top5", "macro_f1", "ece", "log_loss", "automatic.share", "corrupted.blur"} <= metrics
    assert {"speed.latency_p50_ms", "speed.latency_p95_ms", "speed.images_per_second"} <= metrics
    assert "3/broken.png" in html


def test_a_second_run_decodes_nothing_and_trains_nothing(
    finished: tuple[CommandLine, Any], digits: Path
) -> None:
    trainyard, first = finished
    again = trainyard.json(*command(digits))
    assert sum(part["n_read"] for part in again["prepare"]["ingested"]) == 0
    assert (again["train"]["n_trained"], again["train"]["n_reused"]) == (0, 6)
    for part in ("job_id", "model"):
        assert again["train"][part] == first["train"][part]
    assert again["evaluate"]["evaluation"] == first["evaluate"]["evaluation"]


def test_the_test_split_is_hidden_from_training(finished: tuple[CommandLine, Any]) -> None:
    trainyard, outcome = finished
    splits = outcome["prepare"]["dataset"]["splits"]
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    (version,) = client.search_model_versions("name='classifier-digits'")
    shown = trainyard.json("model", "show", f"classifier-digits/{version.version}")
    assert shown["card"]["n_train"] == splits["train"]
    assert shown["card"]["n_validation"] == splits["validation"]
    assert outcome["evaluate"]["headline"]["n"] == splits["test"]


def test_mlflow_has_the_parameters_a_curve_and_the_figures(finished: tuple[CommandLine, Any]) -> None:
    trainyard, outcome = finished
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    run = client.get_run(outcome["train"]["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "6"
    accuracy = outcome["evaluate"]["headline"]["accuracy"][0]
    assert run.data.metrics["unseen_images.accuracy"] == pytest.approx(accuracy, abs=1e-3)
    assert len(client.get_metric_history(run.info.run_id, "accuracy")) == 6
    files = {one.path for one in client.list_artifacts(run.info.run_id, "report")}
    assert "report/report.html" in files


def test_the_registered_classifier_labels_picture_files_without_torch_or_pickle(
    finished: tuple[CommandLine, Any], digits: Path
) -> None:
    trainyard, _ = finished
    code = (
        "import mlflow, pandas as pd, json, sys, zipfile\n"
        f"mlflow.set_tracking_uri('sqlite:///{trainyard.home}/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/classifier-digits@champion')\n"
        f"archive = zipfile.ZipFile({str(digits)!r})\n"
        "names = [n for n in archive.namelist() if 'broken' not in n][:100] + ['3/broken.png']\n"
        "said = model.predict(pd.DataFrame({'image': [archive.read(n) for n in names]}))\n"
        "right = sum(n.startswith(label + '/') for n, label in zip(names, said['label']))\n"
        "bad = said.iloc[-1]\n"
        "told = [bad['label'], bool(bad['refer']), bad['reason']]\n"
        "print(json.dumps([right, 'torch' in sys.modules, *told]))\n"
    )
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    right, torch_is_there, label, referred, reason = json.loads(done.stdout.splitlines()[-1])
    assert right > 60
    assert not torch_is_there
    assert (label, referred) == ("", True) and reason


def test_new_pictures_are_labelled_from_files_folders_and_archives(
    finished: tuple[CommandLine, Any], digits: Path, tmp_path: Path
) -> None:
    trainyard, outcome = finished
    folder = tmp_path / "new"
    folder.mkdir()
    with zipfile.ZipFile(digits) as archive:
        names = [name for name in archive.namelist() if name.startswith("7/")][:4]
        for name in names:
            (folder / Path(name).name).write_bytes(archive.read(name))
    single = folder / Path(names[0]).name
    (folder / "new.csv").write_text(f"path\n{single.name}\n")
    out = tmp_path / "labels.csv"
    done = trainyard.run(
        "predict", outcome["train"]["job_id"][:8], single, folder, digits, "--out", out, code=1
    )
    assert "digits.zip/3/broken.png" in done.stderr
    rows = out.read_text().splitlines()
    assert rows[0] == "file,label,confidence,refer"
    with zipfile.ZipFile(digits) as archive:
        assert len(rows) - 1 == 1 + 4 + len(archive.namelist()) - 1
    assert len(trainyard.json("predict", "classifier-digits", folder / "new.csv")["predictions"]) == 1
    said = trainyard.json("predict", "classifier-digits", folder)
    assert [row["label"] for row in said["predictions"]].count("7") >= 3
    assert said["rejected"] == []
    trainyard.run("predict", "latest", digits, "--allow-rejects")


def test_a_model_is_copied_and_uploaded_and_a_pickle_never_is(
    finished: tuple[CommandLine, Any], tmp_path: Path
) -> None:
    trainyard, _ = finished
    copied = tmp_path / "copied"
    trainyard.run("model", "download", "classifier-digits/1", copied)
    assert {path.suffix for path in copied.iterdir()} == {".onnx", ".json"}
    made = trainyard.json("model", "upload", copied, "copy")
    assert (made["version"], made["kind"]) == (1, "vision")
    assert trainyard.json("model", "upload", copied, "copy")["version"] == 1, "the same is the same"
    (copied / "weights.pkl").write_bytes(b"\x80\x04.")
    refused = trainyard.run("model", "upload", copied, "copy", code=1)
    assert "weights.pkl" in refused.stderr and "Traceback" not in refused.stderr
    trainyard.run("model", "delete", "copy", "--yes")


def test_a_renamed_model_is_still_its_jobs(finished: tuple[CommandLine, Any]) -> None:
    trainyard, outcome = finished
    trainyard.run("model", "rename", "classifier-digits", "numbers")
    job = outcome["train"]["job_id"]
    assert trainyard.json("show", job[:8])["model"].startswith("models:/numbers/")
    trainyard.run("model", "rename", "numbers", "classifier-digits")


@pytest.mark.timeout(600)
def test_a_champion_is_promoted_rolled_back_and_kept_from_deletion(
    finished: tuple[CommandLine, Any], digits: Path
) -> None:
    trainyard, first = finished
    second = trainyard.json(*command(digits, "--set", "seed=1"))
    _compared(trainyard, first["train"]["job_id"], second["train"]["job_id"])
    rows = trainyard.json("model", "list", "classifier-digits")
    assert [row["version"] for row in rows] == [2, 1]
    assert all(row["kind"] == "vision" and row["accuracy"] > 0.4 for row in rows)
    trainyard.run("model", "promote", "classifier-digits/1")
    trainyard.run("model", "promote", "classifier-digits/2")
    assert "version 1" in trainyard.run("model", "rollback", "classifier-digits").stderr
    kept = trainyard.run("model", "delete", "classifier-digits/1", "--yes", code=1)
    assert "is the champion" in kept.stderr
    trainyard.run("model", "delete", "classifier-digits/2", "--yes")
    assert [row["version"] for row in trainyard.json("model", "list")] == [1]


def _compared(trainyard: CommandLine, first: str, second: str) -> None:
    """The two jobs can be held against each other on the pictures that both labelled."""
    outcome = trainyard.json("compare", first[:8], second[:8])
    assert [row["job"] for row in outcome["jobs"]] == [first[:8], second[:8]]
    assert len({row["n"] for row in outcome["jobs"]}) == 1
    assert all(row["seconds per picture"] > 0 and row["USD of training"] == 0 for row in outcome["jobs"])
    assert len(outcome["verdicts"]) == 1
    html = Path(outcome["html"]).read_text()
    assert first[:8] in html and "same held-out pictures" in html


def test_a_killed_training_goes_on_where_it_was(trainyard: CommandLine, digits: Path) -> None:
    before = trainyard.kill_at("iteration 3:", *command(digits))
    outcome = trainyard.json(*command(digits))
    trained = len(re.findall(r"iteration \d+:", before))
    train = outcome["train"]
    assert train["n_trained"] + train["n_reused"] == 6
    assert train["n_reused"] >= trained - 1
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        assert job.state is JobState.FINISHED
        assert [row.iteration for row in records.iterations(catalog, job.id)] == [1, 2, 3, 4, 5, 6]
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert run.info.status == "FINISHED"


def test_a_training_by_two_processes_is_cancelled_in_its_first_long_iteration_and_leaves_none(
    trainyard: CommandLine, digits: Path, wait_for: Callable[[Callable[[], Any], float], Any]
) -> None:
    long = ("--set", "workers=2", "--set", "budget_seconds=36000")
    process = trainyard.start(*command(digits, *long))
    mine = psutil.Process(process.pid)
    wait_for(lambda: len(_workers(mine)) == 2, 120)
    family = mine.children(recursive=True)
    done = trainyard.run("cancel", "latest")
    assert "cancelled" in done.stdout + done.stderr
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        assert job.state is JobState.CANCELLED


def _workers(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for one in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [one] if "strategies.vision.worker" in one.cmdline()[:4] else []
    return found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["pipeline", "--images", "no-such.zip"], "no-such.zip does not exist", id="no archive"),
        pytest.param(
            ["pipeline", "--images", "x.zip", "--strategy", "rubric"], "'rubric' is unknown", id="no strategy"
        ),
        pytest.param(
            ["pipeline", "--images", "x.zip", "--strategy", "native", "--set", "epochs=0"],
            "epochs=",
            id="bounds",
        ),
        pytest.param(["predict", "latest", "x.png"], "no model of kind vision yet", id="no model"),
        pytest.param(["model", "show", "nothing"], "there is no model 'nothing'", id="unknown model"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    trainyard: CommandLine, arguments: list[str], told: str
) -> None:
    done = trainyard.run(*arguments, code=1)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
