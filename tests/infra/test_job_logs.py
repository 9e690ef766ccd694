"""Logs of jobs."""

from __future__ import annotations

import logging
from pathlib import Path

from infra import job_logs
from infra.job_logs import file_of, followed, lines_of, work_on


def test_lines_have_the_ids_of_their_runs_and_no_secret(tmp_path: Path) -> None:
    work_on(tmp_path, "j1", flow_run="f1", run="r1", secrets=["sk-secret"])
    logging.getLogger("tasks.training").info("asked with sk-secret")
    (line,) = lines_of(tmp_path, "j1")
    assert (line["job"], line["flow_run"], line["run"]) == ("j1", "f1", "r1")
    assert line["message"] == "asked with (hidden)"
    assert "sk-secret" not in file_of(tmp_path, "j1").read_text()


def test_each_job_gets_what_was_said_while_it_was_worked_on(tmp_path: Path) -> None:
    log = logging.getLogger("tasks.training")
    work_on(tmp_path, "j1")
    log.info("one")
    work_on(tmp_path, "j2")
    log.info("two")
    assert [line["message"] for line in lines_of(tmp_path, "j1")] == ["one"]
    assert [line["message"] for line in lines_of(tmp_path, "j2")] == ["two"]


def test_old_lines_are_dropped_and_a_half_written_one_is_passed_over(tmp_path: Path) -> None:
    work_on(tmp_path, "j1")
    for number in range(60_000):
        logging.getLogger("tasks").info("line %d", number)
    kept = [line["message"] for line in lines_of(tmp_path, "j1")]
    assert kept[-1] == "line 59999" and kept == [f"line {n}" for n in range(60_000 - len(kept), 60_000)]
    size = sum(file.stat().st_size for file in file_of(tmp_path, "j1").parent.iterdir())
    assert size <= 4 * job_logs._LIMIT_BYTES
    with file_of(tmp_path, "j1").open("a") as file:
        file.write('{"time": "20')
    assert list(lines_of(tmp_path, "j1"))[-1]["message"] == "line 59999"


def test_following_shows_each_line_once_and_ends_with_the_work(tmp_path: Path) -> None:
    work_on(tmp_path, "j1")
    log = logging.getLogger("tasks")
    log.info("before")
    looks = iter(["during", "at the end"])

    def goes_on() -> bool:
        if (said := next(looks, None)) is None:
            return False
        log.info(said)
        return True

    shown = [line["message"] for line in followed(tmp_path, "j1", goes_on)]
    assert shown == ["before", "during", "at the end"]
