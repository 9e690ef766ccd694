"""Backup and restore through the command line, between homes and between databases."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from infra.catalog import Catalog
from infra.catalog.dumping import dumped
from tests.flows.conftest import CommandLine

pytestmark = pytest.mark.sqlite_only("it goes from SQLite to PostgreSQL and back by itself")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, prefect_api: str, class_set: Path) -> CommandLine:
    home = tmp_path_factory.mktemp("source") / "home"
    trainyard = CommandLine(home, {"TRAINYARD_PREFECT_API_URL": prefect_api})
    material = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    trainyard.run("pipeline", *material, "--strategy", "native", "--set", "iterations=1")
    return trainyard


@pytest.fixture(scope="module")
def backup(source: CommandLine) -> Path:
    file = source.home.parent / "all.tar"
    source.run("backup", file)
    return file


def lines(url: str) -> dict[str, list[bytes]]:
    with Catalog.open(url) as catalog, dumped(catalog) as (_, tables):
        return {name: list(found) for name, found in tables if name != "reports"}


def sqlite(home: Path) -> str:
    return f"sqlite:///{home}/catalog.db"


@pytest.mark.timeout(900)  # nine commands one after another
def test_a_home_goes_to_postgresql_and_back_and_its_models_still_grade(
    source: CommandLine, backup: Path, class_set: Path, tmp_path: Path, postgres_url: str
) -> None:
    there = CommandLine(tmp_path / "there", {**source.environment, "TRAINYARD_CATALOG_URL": postgres_url})
    told = there.json("restore", backup)
    assert told["mlflow"] and told["n_objects"] > 0 and told["n_rows"] > 60
    assert lines(postgres_url) == lines(sqlite(source.home))
    # Were a path of the old home left anywhere, nothing would be found there.
    aside = source.home.rename(source.home.with_name("aside"))
    try:
        paper = min((class_set / "papers").iterdir())
        graded = there.json("grade", paper)
        assert graded["grades"][0]["mark"] >= 0
        report = there.json("show")["report"]
        assert Path(report).is_relative_to(there.home) and Path(report).exists()

        there.run("backup", tmp_path / "second.tar")
        back = CommandLine(tmp_path / "back", dict(source.environment))
        back.run("restore", tmp_path / "second.tar")
        assert lines(sqlite(back.home)) == lines(postgres_url)
        assert back.json("grade", paper)["grades"] == graded["grades"]
    finally:
        aside.rename(source.home)


def test_a_home_that_holds_something_is_not_overwritten_unless_told(
    source: CommandLine, backup: Path
) -> None:
    told = source.run("restore", backup, code=1).stderr
    assert "there is something already: a catalog with" in told and "--force" in told
    before = lines(sqlite(source.home))
    source.run("restore", backup, "--force")
    assert lines(sqlite(source.home)) == before


def test_a_damaged_backup_is_refused_with_the_name_of_the_part(
    source: CommandLine, backup: Path, tmp_path: Path
) -> None:
    with tarfile.open(backup) as tar:
        part = next(member for member in tar if member.name.startswith("store/") and member.size)
    content = bytearray(backup.read_bytes())
    content[part.offset_data] ^= 1
    flipped, cut = tmp_path / "flipped.tar", tmp_path / "cut.tar"
    flipped.write_bytes(content)
    cut.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    empty = CommandLine(tmp_path / "home", dict(source.environment))
    told = empty.run("restore", flipped, code=1).stderr
    assert f"{part.name} does not match its checksum" in told and "Traceback" not in told
    told = empty.run("restore", cut, code=1).stderr
    assert "cut.tar is damaged" in told and "Traceback" not in told
    assert "does not exist" in empty.run("restore", tmp_path / "none.tar", code=1).stderr
    assert not (empty.home / "catalog.db").exists() and not (empty.home / "store").exists()


def test_a_backup_holds_no_secret_and_replaces_no_file(source: CommandLine, backup: Path) -> None:
    assert "is there already" in source.run("backup", backup, code=1).stderr
    assert backup.stat().st_mode & 0o077 == 0
    with tarfile.open(backup) as tar:
        tops = {name.partition("/")[0] for name in tar.getnames()}
    assert tops == {
        "catalog",
        "store",
        "mlflow",
        "mlartifacts",
        "reports",
        "manifest.json",
        "manifest.sha256",
    }
