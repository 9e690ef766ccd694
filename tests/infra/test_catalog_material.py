import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from domain.documents.extraction import Extraction, Table
from domain.errors import InputError
from domain.kinds import Role
from infra.catalog import (
    Catalog,
    FileOutcome,
    FoundFile,
    Outcome,
    ReadFile,
    RefusedFile,
    documents,
    files,
    known_extractions,
    known_files,
    record_files,
    signatures,
    upgrade,
)
from infra.store import Store
from infra.texts import TextRefs, get_tables, get_text, put_extractions


def extraction(text: str, **more: object) -> Extraction:
    plain = Extraction(text, "text", "text/plain", 0.01, 0.9, "en", notes=("cp1252 was guessed",))
    return replace(plain, **more)  # type: ignore[arg-type]


def sha(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def found(name: str, content: str) -> FoundFile:
    return FoundFile(name, sha(content), len(content))


def read(content: str, text: str | None = None, signature: bytes = b"") -> ReadFile:
    """A file's content, of which extraction won `text` (the content itself, unless told)."""
    refs = TextRefs(f"{sha(content)}#0+1")
    return ReadFile.of(sha(content), extraction(content if text is None else text), refs, signature)


def record(
    catalog: Catalog, *named: tuple[str, str], owner: str = "local", version: str = "1"
) -> list[FileOutcome]:
    """Records guides, given as (name, content)."""
    return record_files(
        catalog,
        owner,
        Role.GUIDE,
        version,
        [found(name, content) for name, content in named],
        [read(content) for _, content in named],
    )


def test_two_copies_of_a_guide_become_one_document(catalog: Catalog) -> None:
    first, second = record(catalog, ("a.txt", "1. Why? (2)"), ("copy.txt", "1. Why? (2)"))
    assert (first.outcome, second.outcome) == (Outcome.DOCUMENT, Outcome.DUPLICATE)
    assert (second.equals, second.reason) == ("a.txt", "same file")
    assert first.document_id == second.document_id
    assert [document.name for document in documents(catalog, "local", Role.GUIDE)] == ["a.txt"]


def test_a_guide_saved_in_two_formats_is_one_document_also_on_another_day(catalog: Catalog) -> None:
    text = "1. Why is the sky blue? (2)"
    record_files(catalog, "local", Role.GUIDE, "1", [found("a.docx", "zip")], [read("zip", text)])
    (outcome,) = record_files(
        catalog, "local", Role.GUIDE, "1", [found("a.pdf", "%PDF")], [read("%PDF", text)]
    )
    assert outcome.outcome is Outcome.DUPLICATE
    assert (outcome.equals, outcome.reason) == ("a.docx", "same text")
    assert len(documents(catalog, "local", Role.GUIDE)) == 1


def test_owners_and_roles_keep_their_documents_apart(catalog: Catalog) -> None:
    record(catalog, ("a.txt", "text"))
    record(catalog, ("a.txt", "text"), owner="other school")
    (outcome,) = record_files(catalog, "local", Role.SUBMISSION, "1", [found("a.txt", "text")])
    assert outcome.outcome is Outcome.DOCUMENT
    assert len(documents(catalog, "local", Role.GUIDE)) == 1
    assert len(documents(catalog, "local", Role.SUBMISSION)) == 1
    assert files(catalog, "local")["role"].tolist() == ["guide", "submission"]


def test_recording_again_says_the_same_and_adds_nothing(catalog: Catalog) -> None:
    material = [("a.txt", "one"), ("b.txt", "two"), ("c.txt", "one")]
    first = record(catalog, *material)
    again = record(catalog, *material)
    assert [outcome.known for outcome in first] == [False, False, False]
    assert again == [replace(outcome, known=True) for outcome in first]
    assert len(files(catalog, "local")) == 3
    assert len(documents(catalog, "local", Role.GUIDE)) == 2


def test_known_files_need_no_work_but_renamed_and_changed_ones_do(catalog: Catalog) -> None:
    recorded = record(catalog, ("a.txt", "one"), ("b.txt", "two"))
    seen = known_files(
        catalog,
        "local",
        Role.GUIDE,
        "1",
        [found("a.txt", "one"), found("renamed.txt", "two"), found("b.txt", "changed")],
    )
    assert seen == {("a.txt", sha("one")): replace(recorded[0], known=True)}


def test_nothing_is_known_at_another_extractor_version(catalog: Catalog) -> None:
    record(catalog, ("a.txt", "one"))
    assert known_files(catalog, "local", Role.GUIDE, "2", [found("a.txt", "one")]) == {}
    assert known_extractions(catalog, "1", [sha("one"), sha("two")]) == {sha("one")}
    assert known_extractions(catalog, "2", [sha("one")]) == frozenset()


def test_a_refused_file_is_remembered_with_its_reason(catalog: Catalog) -> None:
    refused = RefusedFile(sha("x"), "locked.pdf is encrypted: save it without a password")
    locked = found("locked.pdf", "x")
    (outcome,) = record_files(catalog, "local", Role.GUIDE, "1", [locked], refused=[refused])
    assert (outcome.outcome, outcome.document_id) == (Outcome.REJECTED, None)
    assert "encrypted" in outcome.reason
    assert known_extractions(catalog, "1", [sha("x")]) == {sha("x")}
    seen = known_files(catalog, "local", Role.GUIDE, "1", [locked])
    assert seen[("locked.pdf", sha("x"))].reason == outcome.reason


def test_newer_extractors_can_read_what_older_ones_refused(catalog: Catalog) -> None:
    file = found("scan.pdf", "x")
    record_files(catalog, "local", Role.GUIDE, "1", [file], refused=[RefusedFile(file.sha256, "a scan")])
    (outcome,) = record_files(catalog, "local", Role.GUIDE, "2", [file], [read("x", "1. Why? (2)")])
    assert outcome.outcome is Outcome.DOCUMENT
    frame = files(catalog, "local")
    assert frame[["outcome", "reason"]].values.tolist() == [["document", ""]]


def test_a_newer_reading_of_the_same_file_counts_from_then_on(catalog: Catalog) -> None:
    record(catalog, ("a.pdf", "x"))
    better = replace(read("x"), method="pypdfium2", tables_ref="0" * 64, quality=1.0)
    record_files(catalog, "local", Role.GUIDE, "2", [found("a.pdf", "x")], [better])
    (document,) = documents(catalog, "local", Role.GUIDE)
    assert (document.method, document.quality, document.tables_ref) == ("pypdfium2", 1.0, "0" * 64)


def test_a_file_that_was_never_extracted_is_named_and_nothing_is_kept(catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"b\.txt has not been extracted by version 1"):
        record_files(
            catalog, "local", Role.GUIDE, "1", [found("a.txt", "a"), found("b.txt", "b")], [read("a")]
        )
    assert documents(catalog, "local", Role.GUIDE) == []
    assert known_extractions(catalog, "1", [sha("a")]) == frozenset()


def test_documents_can_be_asked_for_by_id_and_tell_how_they_were_read(catalog: Catalog) -> None:
    outcomes = record(catalog, ("a.txt", "one"), ("b.txt", "two"), ("c.txt", "three"))
    wanted = [str(outcome.document_id) for outcome in outcomes[1:]]
    assert [d.name for d in documents(catalog, "local", Role.GUIDE, wanted)] == ["b.txt", "c.txt"]
    assert documents(catalog, "local", Role.GUIDE, []) == []
    document = documents(catalog, "local", Role.GUIDE, wanted)[0]
    assert (document.file_sha256, document.n_chars, document.language) == (sha("two"), 3, "en")
    assert document.notes == ("cp1252 was guessed",)
    assert document.created_at.utcoffset() is not None


def test_signatures_come_by_document(catalog: Catalog) -> None:
    marked = [read("one", signature=b"\0\1\2"), read("two")]
    outcomes = record_files(
        catalog, "local", Role.GUIDE, "1", [found("a.txt", "one"), found("b.txt", "two")], marked
    )
    assert signatures(catalog, "local", Role.GUIDE) == {outcomes[0].document_id: b"\0\1\2"}


def test_names_and_reasons_that_no_database_takes_are_kept_without_the_offence(catalog: Catalog) -> None:
    """A name in an unknown encoding has lone surrogates; a hostile file's error may hold NUL."""
    odd = FoundFile("caf\udce9.txt", sha("x"), 1)
    refused = RefusedFile(sha("x"), "bad byte \0 at 3")
    (first,) = record_files(catalog, "local", Role.GUIDE, "1", [odd], refused=[refused])
    (again,) = record_files(catalog, "local", Role.GUIDE, "1", [odd], refused=[refused])
    assert (first.known, again.known) == (False, True)
    assert list(known_files(catalog, "local", Role.GUIDE, "1", [odd])) == [(odd.name, odd.sha256)]
    assert files(catalog, "local")["reason"].tolist() == ["bad byte  at 3"]


def test_two_catalogs_give_a_document_the_same_id(catalog: Catalog, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(url)
    with Catalog.open(url) as other:
        assert (
            record(catalog, ("a.txt", "one"))[0].document_id == record(other, ("b.txt", "one"))[0].document_id
        )


def test_texts_and_tables_come_back_from_the_store(tmp_path: Path, catalog: Catalog) -> None:
    store = Store.open(str(tmp_path / "store"))
    table = Table((("No", "Mark"), ("1", "2 €")), page=3)
    extractions = [extraction("plain"), extraction("with ünicode", tables=(table,)), extraction("last")]
    refs = put_extractions(store, extractions)
    read_files = [ReadFile.of(sha(one.text), one, ref) for one, ref in zip(extractions, refs, strict=True)]
    named = [FoundFile(f"{n}.txt", sha(one.text), 1) for n, one in enumerate(extractions)]
    record_files(catalog, "local", Role.GUIDE, "1", named, read_files)
    kept = documents(catalog, "local", Role.GUIDE)
    assert [get_text(store, document) for document in kept] == ["plain", "with ünicode", "last"]
    assert [get_tables(store, document) for document in kept] == [(), (table,), ()]
