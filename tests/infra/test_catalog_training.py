"""Datasets, jobs, iterations, evaluations and reports in the catalog."""

import hashlib
import time

import pandas as pd
import pytest

from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.contracts import Splits
from domain.grading.records import Guide, Item
from domain.kinds import Kind, Role
from infra.catalog import (
    Catalog,
    Dataset,
    FoundFile,
    IterationRow,
    Job,
    JobState,
    ParsedTable,
    ReadFile,
    TableAnswer,
    answers_frame,
    begin_job,
    claim_mlflow_run,
    dataset,
    dataset_frames,
    datasets,
    find_evaluation,
    find_job,
    find_report,
    iterations,
    jobs,
    make_dataset,
    record_files,
    record_iteration,
    save_evaluation,
    save_report,
    save_table,
    update_job,
)
from infra.texts import TextRefs

ITEMS = (Item("1", "Why?", "Because", 2.0), Item("2", "How?", "Thus", 1.0))


@pytest.fixture
def table_id(catalog: Catalog) -> str:
    """A table of six answers to two items, saved."""
    sha256 = hashlib.sha256(b"table").hexdigest()
    extraction = Extraction("table", "csv", "text/csv", 0.0, 1.0, "en")
    read = ReadFile.of(sha256, extraction, TextRefs("x"))
    (outcome,) = record_files(catalog, "local", Role.ANSWERS, "1", [FoundFile("t.csv", sha256, 1)], [read])
    answers = tuple(TableAnswer(f"s{n}", str(1 + n % 2), f"text {n}", float(n % 2)) for n in range(6))
    save_table(catalog, "1", ParsedTable(str(outcome.document_id), Guide("T", ITEMS), answers))
    return str(outcome.document_id)


def made(catalog: Catalog, name: str = "t", fingerprint: str = "f" * 64) -> Dataset:
    ids = answers_frame(catalog, "local")["answer_id"]
    splits = pd.DataFrame({"answer_id": ids, "split": ["train"] * 4 + ["validation", "test"], "protocol": ""})
    splits.loc[5, "protocol"] = "unseen_answers"
    return make_dataset(
        catalog,
        owner="local",
        name=name,
        kind=Kind.GRADING,
        fingerprint=fingerprint,
        protocol="unseen_answers",
        seed=3,
        facts={"n_students": 6, "share": float("nan")},
        splits=Splits.validate(splits),
    )


def begun(catalog: Catalog, made_dataset: Dataset, key: str = "k", **config: object) -> Job:
    return begin_job(
        catalog,
        owner="local",
        key=key,
        kind=Kind.GRADING,
        dataset_id=made_dataset.id,
        requested_strategy="auto",
        config=config,
    )


def test_a_dataset_gives_back_its_items_and_answers_with_their_splits(
    catalog: Catalog, table_id: str
) -> None:
    kept = made(catalog)
    assert (kept.n_items, kept.n_answers, kept.kind) == (2, 6, Kind.GRADING)
    assert kept.facts == {"n_students": 6, "share": None}
    frames = dataset_frames(catalog, kept.id)
    assert frames.items["number"].tolist() == ["1", "2"]
    assert frames.answers["split"].value_counts().to_dict() == {"train": 4, "validation": 1, "test": 1}
    test = frames.answers[frames.answers["split"] == "test"].iloc[0]
    assert (test["student"], test["text"], test["protocol"]) == ("s5", "text 5", "unseen_answers")


def test_the_same_dataset_is_made_once(catalog: Catalog, table_id: str) -> None:
    assert made(catalog) == made(catalog, name="another name")
    assert len(datasets(catalog, "local")) == 1


def test_a_dataset_keeps_what_it_was_made_of_when_its_material_is_parsed_anew(
    catalog: Catalog, table_id: str
) -> None:
    kept = made(catalog)
    before = dataset_frames(catalog, kept.id)
    changed = (Item("1", "Why so?", "Because of that", 2.0),)
    save_table(catalog, "2", ParsedTable(table_id, Guide("T", changed), (TableAnswer("s0", "1", "new"),)))
    assert answers_frame(catalog, "local")["text"].tolist() == ["new"]
    after = dataset_frames(catalog, kept.id)
    pd.testing.assert_frame_equal(before.items, after.items)
    pd.testing.assert_frame_equal(before.answers, after.answers)


def test_a_dataset_of_unknown_answers_is_refused_and_leaves_nothing(catalog: Catalog) -> None:
    missing = "00000000-0000-0000-0000-000000000001"
    splits = pd.DataFrame({"answer_id": [missing], "split": ["train"], "protocol": [""]})
    with pytest.raises(InputError, match=f"Answer {missing} is not in the catalog"):
        make_dataset(
            catalog, owner="local", name="d", kind=Kind.GRADING, fingerprint="f", protocol="", seed=0,
            facts={}, splits=splits,
        )  # fmt: skip
    assert datasets(catalog, "local") == []


def test_a_dataset_is_found_by_name_fingerprint_id_or_as_the_latest(catalog: Catalog, table_id: str) -> None:
    first = made(catalog, "physics", "abcdef" + "0" * 58)
    time.sleep(0.002)
    second = made(catalog, "physics", "123456" + "0" * 58)
    assert dataset(catalog, "local") == second
    assert dataset(catalog, "local", "physics") == second
    assert dataset(catalog, "local", "abcdef") == first
    assert dataset(catalog, "local", first.id) == first
    with pytest.raises(InputError, match=r"no dataset 'chemistry'. There is: physics$"):
        dataset(catalog, "local", "chemistry")
    with pytest.raises(InputError, match="trainyard prepare"):
        dataset(catalog, "other school")


def test_the_frames_of_a_missing_dataset_are_an_error_and_not_empty(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="There is no dataset with id 00000000"):
        dataset_frames(catalog, "00000000-0000-0000-0000-000000000000")


def test_a_job_is_begun_once_for_a_key(catalog: Catalog, table_id: str) -> None:
    kept = made(catalog)
    job = begun(catalog, kept, iterations=3)
    assert (job.state, job.config, job.strategy) == (JobState.PENDING, {"iterations": 3}, "")
    update_job(catalog, job.id, state=JobState.FINISHED)
    again = begun(catalog, kept, iterations=3)
    assert (again.id, again.state) == (job.id, JobState.FINISHED)
    assert len(jobs(catalog, "local")) == 1


def test_updating_a_job_changes_only_what_is_given(catalog: Catalog, table_id: str) -> None:
    job = begun(catalog, made(catalog), seed=1)
    update_job(catalog, job.id, strategy="native", choice={"llm": "no API key"}, error="out of memory")
    told = update_job(catalog, job.id, state=JobState.RUNNING, error="")
    assert (told.strategy, told.choice, told.config) == ("native", {"llm": "no API key"}, {"seed": 1})
    assert (told.state, told.error) == (JobState.RUNNING, "")
    assert told.updated_at >= job.updated_at
    with pytest.raises(InputError, match="There is no job"):
        update_job(catalog, made(catalog).id, error="x")


def test_the_first_claim_of_an_mlflow_run_stands(catalog: Catalog, table_id: str) -> None:
    job = begun(catalog, made(catalog))
    assert claim_mlflow_run(catalog, job.id, "first") == "first"
    assert claim_mlflow_run(catalog, job.id, "second") == "first"
    assert find_job(catalog, "local").mlflow_run_id == "first"


def test_jobs_are_found_by_the_start_of_their_id_and_listed_by_state(catalog: Catalog, table_id: str) -> None:
    kept = made(catalog)
    first = begun(catalog, kept, "one")
    time.sleep(0.002)
    second = begun(catalog, kept, "two")
    update_job(catalog, first.id, state=JobState.FAILED)
    assert [job.id for job in jobs(catalog, "local")] == [second.id, first.id]
    assert [job.id for job in jobs(catalog, "local", states=[JobState.FAILED])] == [first.id]
    assert [job.id for job in jobs(catalog, "local", limit=1)] == [second.id]
    assert find_job(catalog, "local").id == second.id
    assert find_job(catalog, "local", first.id[:8]).id == first.id
    with pytest.raises(InputError, match=f"There is no job 'zzz'. The latest are: {second.id[:8]}"):
        find_job(catalog, "local", "zzz")
    with pytest.raises(InputError, match="run `trainyard train`"):
        find_job(catalog, "other school")


def test_an_iteration_recorded_again_is_replaced_and_a_metric_without_value_is_none(
    catalog: Catalog, table_id: str
) -> None:
    job = begun(catalog, made(catalog))
    record_iteration(catalog, job.id, IterationRow(2, "c2", {"qwk": 0.5}, 1.0))
    record_iteration(catalog, job.id, IterationRow(1, "c1", {"qwk": float("nan")}, 1.0))
    record_iteration(catalog, job.id, IterationRow(2, "c2b", {"qwk": 0.6}, 2.0, remedied=True))
    assert iterations(catalog, job.id) == [
        IterationRow(1, "c1", {"qwk": None}, 1.0),
        IterationRow(2, "c2b", {"qwk": 0.6}, 2.0, remedied=True),
    ]


def test_an_evaluation_is_kept_once_for_a_key(catalog: Catalog, table_id: str) -> None:
    kept = made(catalog)
    job = begun(catalog, kept)
    assert find_evaluation(catalog, job.id) is None
    first = save_evaluation(
        catalog, job_id=job.id, dataset_id=kept.id, key="v1", metrics=[{"metric": "qwk", "value": 0.7}],
        artifacts={"predictions.csv": "k"},
    )  # fmt: skip
    again = save_evaluation(catalog, job_id=job.id, dataset_id=kept.id, key="v1", metrics=[], artifacts={})
    assert again == first
    time.sleep(0.002)
    second = save_evaluation(
        catalog, job_id=job.id, dataset_id=kept.id, key="v2", metrics={"qwk": 0.8}, artifacts={}
    )
    assert find_evaluation(catalog, job.id) == second
    assert find_evaluation(catalog, job.id, key="v1") == first
    assert find_evaluation(catalog, job.id, dataset_id=job.id) is None


def test_a_report_written_again_has_the_new_folder(catalog: Catalog, table_id: str) -> None:
    job = begun(catalog, made(catalog))
    assert find_report(catalog, job.id) is None
    save_report(catalog, job_id=job.id, key="v1", folder="/old", files={})
    told = save_report(catalog, job_id=job.id, key="v1", folder="/new", files={"report.html": "k"})
    assert (told.folder, told.files) == ("/new", {"report.html": "k"})
    assert find_report(catalog, job.id) == told
    assert find_report(catalog, job.id, key="v2") is None
