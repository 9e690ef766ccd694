"""Dumps of older schemas, and loads that fail, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from domain.errors import SettingError
from domain.kinds import Kind
from infra import catalog as records
from infra.catalog import Catalog, JobState
from infra.catalog.connection import REVISIONS, make_engine, parse_url
from infra.catalog.dumping import dumped, load_dump, n_rows

DOCUMENT = (
    b'{"id": "00000000-0000-0000-0000-000000000001", "owner": "o", "role": "guide", "text_sha256": "t", '
)
DOCUMENT += b'"name": "n", "extraction_id": "00000000-0000-0000-0000-000000000002", '
DOCUMENT += b'"created_at": "2026-01-01T00:00:00+00:00"}\n'

DATASET_ID = "00000000-0000-0000-0000-000000000009"
DATASET = (
    b'{"id": "'
    + DATASET_ID.encode()
    + b'", "owner": "o", "name": "n", "kind": "grading", "fingerprint": "f", '
    b'"protocol": "p", "seed": 0, "n_items": 1, "n_answers": 1, "facts": {}, "tensor_id": null, '
    b'"rows_key": "", "created_at": "2026-01-01T00:00:00+00:00"}\n'
)


def test_a_dump_of_the_first_schema_is_loaded_and_upgraded(empty_catalog_url: str) -> None:
    extraction = (
        b'{"id": "00000000-0000-0000-0000-000000000002", "file_sha256": "f", "extractor_version": "1", '
        b'"error": "", "text_sha256": "t", "signature": "AAE=", "notes": ["\\u00e9"], "n_pages": null, '
        b'"created_at": "2026-01-01T00:00:00+00:00", "text_ref": "", "tables_ref": "", "media_type": "", '
        b'"method": "", "seconds": 0.5, "quality": 1.0, "language": "und", "n_chars": 3}\n'
    )
    tables = {"extractions": [extraction], "documents": [DOCUMENT]}
    assert load_dump(empty_catalog_url, REVISIONS[0], tables) == 2
    with Catalog.open(empty_catalog_url) as catalog, dumped(catalog) as (revision, found):
        assert revision == REVISIONS[-1]
        lines = {name: list(rows) for name, rows in found}
    assert b'"signature": "AAE="' in lines["extractions"][0] and "é".encode() in lines["extractions"][0]


def test_a_load_that_fails_leaves_what_was_there(catalog_url: str) -> None:
    with Catalog.open(catalog_url) as catalog:
        before = n_rows(catalog)
    # Its extraction is missing.
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        load_dump(catalog_url, REVISIONS[-1], {"documents": [DOCUMENT]})
    with Catalog.open(catalog_url) as catalog:
        assert n_rows(catalog) == before


def test_a_dump_of_a_newer_or_another_schema_is_refused(catalog_url: str) -> None:
    with pytest.raises(SettingError, match="does not know"):
        load_dump(catalog_url, "9999", {})
    with pytest.raises(SettingError, match="another schema"):
        load_dump(catalog_url, REVISIONS[0], {})


def test_what_is_written_while_a_dump_is_read_is_not_in_it(catalog_url: str) -> None:
    with Catalog.open(catalog_url) as catalog, dumped(catalog) as (_, tables):
        _, lines = next(tables)
        assert list(lines) == []
        engine = make_engine(parse_url(catalog_url), 5).execution_options(trainyard_writing=True)
        with engine.begin() as other:
            other.execute(
                text(
                    "INSERT INTO datasets (id, owner, name, kind, fingerprint, protocol, seed, n_items, "
                    "n_answers, facts, created_at) VALUES (:id, 'o', 'n', 'grading', 'f', 'p', 0, 1, 1, "
                    "'{}', '2026-01-01 00:00:00')"
                ),
                {"id": DATASET_ID},
            )
        engine.dispose()
        assert all(not list(rows) for _, rows in tables)
        assert n_rows(catalog) == 1


def test_a_job_is_settled_only_where_nobody_took_it_up_since(catalog_url: str) -> None:
    load_dump(catalog_url, REVISIONS[-1], {"datasets": [DATASET]})
    with Catalog.open(catalog_url) as catalog:
        job = records.begin_job(
            catalog,
            owner="o",
            key="k",
            kind=Kind.GRADING,
            dataset_id=DATASET_ID,
            requested_strategy="auto",
            config={},
        )
        seen = records.update_job(catalog, job.id, state=JobState.RUNNING)
        records.update_job(catalog, job.id, state=JobState.RUNNING, flow_run_id="another")
        assert not records.settle_job(catalog, seen, "gone")
        (now,) = records.jobs(catalog, "o")
        assert now.state is JobState.RUNNING
        assert records.settle_job(catalog, now, "gone")
        assert records.jobs(catalog, "o")[0].state is JobState.FAILED
