"""What happens when real processes work on one catalog at the same moment."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

from domain.kinds import Kind, Role
from infra.catalog import Catalog, documents, files, make_dataset, upgrade

WORKER = """
import hashlib, json, sys, time
from pathlib import Path
from domain.documents.extraction import Extraction
from domain.kinds import Role
from infra.catalog import *
from infra.texts import TextRefs

url, name, start = sys.argv[1], sys.argv[2], Path(sys.argv[3])
numbers = list(range(500))
if name == "second":
    numbers.reverse()  # the worst order for locks
catalog = Catalog.open(url)
print("ready", flush=True)
while not start.exists():
    time.sleep(0.001)
won = 0
for at in range(0, 500, 50):
    files, read = [], []
    for number in numbers[at : at + 50]:
        text = f"essay {number}"
        sha256 = hashlib.sha256(f"{name} {text}".encode()).hexdigest()  # other files, the same texts
        files.append(FoundFile(f"{name}/{number}.txt", sha256, 9))
        extraction = Extraction(text, "text", "text/plain", 0.0, 1.0, "en")
        read.append(ReadFile.of(sha256, extraction, TextRefs("x")))
    outcomes = record_files(catalog, "local", Role.SUBMISSION, "1", files, read)
    won += sum(outcome.outcome == Outcome.DOCUMENT for outcome in outcomes)
print(json.dumps(won))
"""


def together(url: str, script: str, tmp_path: Path) -> list[object]:
    """What two processes say that begin at the same moment."""
    start = tmp_path / "start"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, url, name, str(start)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("first", "second")
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    start.touch()
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    return [json.loads(out) for out, _ in said]


def test_two_processes_with_the_same_500_texts_keep_each_once(catalog_url: str, tmp_path: Path) -> None:
    won = together(catalog_url, WORKER, tmp_path)
    with Catalog.open(catalog_url) as catalog:
        kept = documents(catalog, "local", Role.SUBMISSION)
        seen = files(catalog, "local")
    assert len(kept) == 500
    assert len({document.text_sha256 for document in kept}) == 500
    # Each text has one file that is the document, whoever brought it, and both were told the same.
    assert sum(map(int, won)) == 500  # type: ignore[call-overload]
    assert seen["outcome"].value_counts().to_dict() == {"document": 500, "duplicate": 500}


JOBS = """
import json, sys, time
from pathlib import Path
from domain.kinds import Kind
from infra.catalog import *

catalog = Catalog.open(sys.argv[1])
dataset = datasets(catalog, "local")[0]
print("ready", flush=True)
while not Path(sys.argv[3]).exists():
    time.sleep(0.001)
told = []
for n in range(50):
    job = begin_job(catalog, owner="local", key=f"job {n}", kind=Kind.GRADING, dataset_id=dataset.id,
                    requested_strategy="auto", config={})
    told.append([job.id, claim_mlflow_run(catalog, job.id, f"{sys.argv[2]} {n}")])
print(json.dumps(told))
"""


def test_two_processes_agree_on_one_job_and_one_mlflow_run(catalog_url: str, tmp_path: Path) -> None:
    with Catalog.open(catalog_url) as catalog:
        empty = pd.DataFrame({"answer_id": [], "split": [], "protocol": []})
        make_dataset(
            catalog, owner="local", name="d", kind=Kind.GRADING, fingerprint="f", protocol="", seed=0,
            facts={}, splits=empty,
        )  # fmt: skip
    first, second = together(catalog_url, JOBS, tmp_path)
    assert first == second
    assert isinstance(first, list)
    assert len(first) == 50


def test_readers_do_not_wait_for_a_writer(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    with (
        Catalog.open(sqlite_url) as writer,
        Catalog.open(sqlite_url, busy_seconds=0.1) as reader,
        writer.writing(),
    ):
        assert documents(reader, "local", Role.GUIDE) == []
