"""A student's paper is found by what people call it, so that what was said about it can be purged."""

import hashlib

import pytest

from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.records import Answer, Guide, Item, Submission
from domain.kinds import Role
from infra.catalog import (
    Catalog,
    FoundFile,
    Paper,
    ParsedGuide,
    ParsedSubmission,
    ReadFile,
    find_papers,
    record_files,
    save_guides,
    save_submissions,
)
from infra.texts import TextRefs


def document(catalog: Catalog, name: str, role: Role) -> str:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    read = ReadFile.of(
        sha256, Extraction(f"text of {name}", "text", "text/plain", 0.0, 1.0, "en"), TextRefs("x")
    )
    (outcome,) = record_files(catalog, "local", role, "1", [FoundFile(name, sha256, 1)], [read])
    return str(outcome.document_id)


@pytest.fixture
def papers(catalog: Catalog) -> dict[str, Paper]:
    """Two students in two files, and one of them a second time."""
    guide = document(catalog, "nature.txt", Role.GUIDE)
    save_guides(catalog, "1", [ParsedGuide(guide, Guide("Nature", (Item("1", "Why?", "Because", 2.0),)))])
    for name, student in (("ada.txt", "Ada"), ("folder/ben.txt", "Ben"), ("ada-again.txt", "Ada")):
        written = Submission(student, (Answer("1", f"{name} says so"),))
        save_submissions(
            catalog, "1", [ParsedSubmission(document(catalog, name, Role.SUBMISSION), guide, written)]
        )
    found = [*find_papers(catalog, "local", "Ada"), *find_papers(catalog, "local", "Ben")]
    return {paper.name: paper for paper in found}


def test_a_paper_is_found_by_student_file_or_id(catalog: Catalog, papers: dict[str, Paper]) -> None:
    assert set(papers) == {"ada.txt", "ada-again.txt", "folder/ben.txt"}
    assert [len(paper.answer_ids) for paper in papers.values()] == [1, 1, 1]
    ben = papers["folder/ben.txt"]
    for which in ("ben", "BEN", "folder/ben.txt", ben.submission_id, ben.submission_id[:8]):
        assert find_papers(catalog, "local", which) == [ben]
    assert find_papers(catalog, "local", "some/where/ada.txt") == [papers["ada.txt"]]
    assert len(find_papers(catalog, "local", "ada")) == 2


def test_a_name_that_fits_no_paper_is_refused_with_what_there_is(
    catalog: Catalog, papers: dict[str, Paper]
) -> None:
    with pytest.raises(InputError, match=r"no submission 'Cleo'.*Ada \(ada-again.txt\)"):
        find_papers(catalog, "local", "Cleo")
    with pytest.raises(InputError, match="The first are: none"):
        find_papers(catalog, "another", "Ada")
    with pytest.raises(InputError):
        find_papers(catalog, "local", papers["ada.txt"].submission_id[:4])
