"""What the commands about language models show, as the tasks give it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.records import Answer, Guide, Item, Submission
from domain.kinds import Role
from domain.language_models import Reply
from infra.catalog import (
    FoundFile,
    ParsedGuide,
    ParsedSubmission,
    ReadFile,
    answers_frame,
    record_files,
    save_guides,
    save_submissions,
)
from infra.llm_simulator.server import Simulator
from infra.texts import TextRefs
from tasks.language_models import (
    changed_models,
    language_models,
    offered_models,
    purge_replies,
    spending_of,
)
from tasks.workplace import workplace
from tests.llm_client import question, questions
from tests.llm_server import running_simulator

TODAY = date(2026, 11, 21)


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with running_simulator() as started:
        monkeypatch.setenv("TRAINYARD_LLM_BASE_URL", started.base_url)
        monkeypatch.setenv("TRAINYARD_LLM_MODELS", "compatible:simulated-1")
        yield started
        language_models().close()


def test_without_a_provider_there_are_no_models_and_that_is_no_error(home: Path) -> None:
    assert language_models().names == ()
    assert offered_models() == []
    assert changed_models() == []


def test_models_are_listed_with_what_is_known_of_them(server: Simulator) -> None:
    rows = {row["model"]: row for row in offered_models()}
    assert set(rows) == {"simulated-1", "simulated-2", "simulated-old"}
    assert rows["simulated-1"]["in use"] == "yes"
    assert rows["simulated-1"]["USD per million in / out"] == "unknown"
    assert rows["simulated-old"]["shuts down"] == "2026-12-31"


def test_models_that_are_switched_off_soon_or_no_longer_offered_are_told(server: Simulator) -> None:
    names = [
        "compatible:simulated-1",
        "compatible:simulated-old",
        "compatible:forgotten",
        "openai:gpt-5-mini",
    ]
    told = {one.model: (one.shutdown, one.why) for one in language_models().retiring(names, TODAY)}
    assert told == {
        "compatible:simulated-old": (
            date(2026, 12, 31),
            "compatible:simulated-old is switched off on 2026-12-31",
        ),
        "compatible:forgotten": (
            None,
            "compatible:forgotten is not among the models that compatible offers",
        ),
        "openai:gpt-5-mini": (date(2026, 12, 11), "openai:gpt-5-mini is switched off on 2026-12-11"),
    }
    assert language_models().retiring(names[:2], date(2026, 6, 1)) == []


def test_a_server_that_does_not_answer_is_listed_with_the_reason(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("TRAINYARD_LLM_MODELS", "compatible:m")
    (row,) = offered_models()
    assert "no connection" in row["problem"]
    assert row["USD per million in / out"] == ""


def test_what_a_job_spent_is_told_by_purpose(server: Simulator) -> None:
    language_models().complete(questions(3), payer="job", occasion="iteration 1")
    paid, costs = spending_of("job")
    assert paid.n_replies == 4  # and a probe, once for the endpoint
    assert {(cost.purpose, cost.occasion, cost.spent.n_replies) for cost in costs} == {
        ("grade", "iteration 1", 3),
        ("probe", "iteration 1", 1),
    }


def test_a_model_that_changed_is_told_in_a_sentence(server: Simulator) -> None:
    language_models().complete(questions(2))
    server.set(swap_after=0)
    language_models().complete(questions(2, "later"))
    (sentence,) = changed_models()
    assert "compatible:simulated-1 answered as simulated-1 from 20" in sentence
    assert "then as simulated-1-next from" in sentence


def test_purging_an_unknown_student_is_refused_and_removes_nothing(server: Simulator) -> None:
    language_models().complete(questions(2, subjects=("s1",)))
    with pytest.raises(InputError, match="There is no submission 'Zoe'"):
        purge_replies(["Zoe"], dry_run=False)
    n_received = server.counts()["received"]
    language_models().complete(questions(2))
    assert server.counts()["received"] == n_received


def test_purging_a_student_forgets_what_was_said_about_their_answers_alone(server: Simulator) -> None:
    catalog = workplace().catalog
    guide = Guide("Nature", (Item("1", "Why?", "Because", 2.0),))
    guide_id = document("guide.txt", Role.GUIDE)
    save_guides(catalog, "1", [ParsedGuide(guide_id, guide)])
    for student in ("Ada", "Ben"):
        paper = Submission(student, (Answer("1", f"{student} says so"),))
        parsed = ParsedSubmission(document(f"{student}.txt", Role.SUBMISSION), guide_id, paper)
        save_submissions(catalog, "1", [parsed])
    answers = answers_frame(catalog, "local").set_index("student")["answer_id"]
    asked = [
        question("about Ada", subjects=(answers["Ada"],)),
        question("about Ben", subjects=(answers["Ben"],)),
        question("about both", subjects=tuple(answers)),
    ]
    language_models().complete(asked)
    n_received = server.counts()["received"]
    assert purge_replies(["ada"], dry_run=True)["n_replies"] == 2
    done = purge_replies(["ada"], dry_run=False)
    assert done == {"submissions": [{"student": "Ada", "name": "Ada.txt"}], "n_replies": 2, "dry_run": False}
    again = language_models().complete(asked)
    assert [one.reused for one in again if isinstance(one, Reply)] == [False, True, False]
    assert server.counts()["received"] == n_received + 2


def document(name: str, role: Role) -> str:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    read = ReadFile.of(sha256, Extraction(name, "text", "text/plain", 0.0, 1.0, "en"), TextRefs("x"))
    (outcome,) = record_files(workplace().catalog, "local", role, "1", [FoundFile(name, sha256, 1)], [read])
    return str(outcome.document_id)
