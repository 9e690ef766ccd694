"""A folder in which hostile files lie among honest papers."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.flows.conftest import CommandLine, write_class_set

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))

from hostile_files import make


def test_hostile_files_are_read_or_listed_with_a_reason_and_no_honest_paper_is_lost(
    tmp_path: Path, prefect_api: str
) -> None:
    write_class_set(tmp_path / "class")
    papers = tmp_path / "class" / "papers"
    n_honest = len(list(papers.iterdir()))
    n_hostile = len(make(papers / "hostile", 150, seed=1))
    trainyard = CommandLine(tmp_path / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    told = trainyard.json(
        *("prepare", "--guides", tmp_path / "class" / "guides", "--submissions", papers, "--allow-rejects")
    )
    parts = [one for one in told["ingested"] if one["role"] == "submission"]
    rejected = [one for part in parts for one in part["rejected"]]
    n_duplicates = sum(len(part["duplicates"]) for part in parts)
    assert sum(part["n_files"] for part in parts) == n_honest + n_hostile
    assert sum(part["n_new"] for part in parts) + n_duplicates + len(rejected) == n_honest + n_hostile
    assert len(rejected) > 30
    assert all(one["name"].startswith("hostile/") and one["reason"].strip() for one in rejected)
    assert told["dataset"]["n_students"] >= n_honest
    passwords = Path("/etc/passwd").read_text().splitlines()[0].encode()
    files = [path for path in trainyard.home.rglob("*") if path.is_file()]
    assert not [path for path in files if passwords in path.read_bytes()]
