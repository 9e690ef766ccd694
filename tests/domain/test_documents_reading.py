"""What holds for every format: content decides, bad input is named, one text is one text."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

from domain.documents.extraction import Extraction, Limits, Table
from domain.documents.reading import extract
from domain.errors import InputError
from domain.identity import hash_text, normalise_text

PARAGRAPHS = (
    "Biology 101: marking guide",
    "Question 1 (3 marks): Explain why plants need light, and name the process.",
    "Model answer: Light gives the energy with which a plant turns water and carbon dioxide into sugar, "
    "a process called photosynthesis; without it the plant starves, although it may live on "
    "its stores for days.",
    "Award 1 mark for energy, 1 mark for sugar or glucose, 1 mark for the name.",
    "Total: 3 marks",
)


MEDIA_TYPES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "rtf": "application/rtf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def save_everywhere(folder: Path) -> dict[str, Path]:
    """One text in six formats, each made by the format's own library where there is one."""
    text = "\n\n".join(PARAGRAPHS)
    paths = {suffix: folder / f"guide.{suffix}" for suffix in ("txt", "md", "html", "rtf", "docx", "pdf")}
    paths["txt"].write_text(text)
    paths["md"].write_text(f"# {PARAGRAPHS[0]}\n\n" + "\n\n".join(f"**{p}**" for p in PARAGRAPHS[1:]))
    paths["html"].write_text(
        f"<html><body><h1>{PARAGRAPHS[0]}</h1>" + "".join(f"<p>{p}</p>" for p in PARAGRAPHS[1:])
    )
    paths["rtf"].write_text(r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 " + r"\par ".join(PARAGRAPHS) + r"\par}")
    document = docx.Document()
    for paragraph in PARAGRAPHS:
        document.add_paragraph(paragraph)
    document.save(str(paths["docx"]))
    style = getSampleStyleSheet()["BodyText"]
    SimpleDocTemplate(str(paths["pdf"]), pagesize=A4).build([Paragraph(p, style) for p in PARAGRAPHS])
    return paths


def test_one_guide_saved_in_six_formats_is_one_document(tmp_path: Path) -> None:
    identities = {suffix: hash_text(extract(path).text) for suffix, path in save_everywhere(tmp_path).items()}
    assert set(identities.values()) == {hash_text("\n".join(PARAGRAPHS))}


def test_each_format_is_named_by_its_content_and_read_in_good_quality(tmp_path: Path) -> None:
    for suffix, path in save_everywhere(tmp_path).items():
        extraction = extract(path)
        assert extraction.media_type == MEDIA_TYPES[suffix]
        assert extraction.quality > 0.9, suffix
        assert extraction.language == "en"
        assert 0 < extraction.seconds < 30


def test_an_extraction_survives_the_way_through_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("answer,score\nLicht €,1\n", encoding="cp1252")
    extraction = extract(tmp_path / "a.csv")
    assert extraction.tables == (Table((("answer", "score"), ("Licht €", "1"))),)
    assert extraction.notes
    assert Extraction.from_json(extraction.to_json()) == extraction


@pytest.mark.parametrize("suffix", ["txt", "md", "pdf", "docx", "rtf", "html", "csv", "json", "jsonl", ""])
def test_an_empty_file_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"guide.{suffix}"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"guide\..*empty"):
        extract(path)


@pytest.mark.parametrize(
    "content", [b" \n\t\r\n ", b"\xef\xbb\xbf", "\u00a0 \u2003".encode(), b"\xff\xfe \x00"]
)
@pytest.mark.parametrize("suffix", ["txt", "md", "html", "csv", "jsonl"])
def test_a_file_of_only_blanks_holds_no_text(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"blank.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="holds no text"):
        extract(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt: no such file"):
        extract(tmp_path / "gone.txt")
    with pytest.raises(InputError, match="is a folder"):
        extract(tmp_path)


@pytest.mark.parametrize(
    ("real", "claimed"), [("pdf", "docx"), ("docx", "pdf"), ("rtf", "txt"), ("html", "md"), ("txt", "pdf")]
)
def test_a_wrong_extension_is_read_as_what_it_is_with_a_note(tmp_path: Path, real: str, claimed: str) -> None:
    right = save_everywhere(tmp_path)[real]
    wrong = right.rename(tmp_path / f"renamed.{claimed}")
    extraction = extract(wrong)
    assert hash_text(extraction.text) == hash_text("\n".join(PARAGRAPHS))
    assert f"named .{claimed} but holds" in extraction.notes[0]


def test_json_under_a_text_name_is_read_as_json_and_brackets_alone_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('{"answers": [1, 2]}')
    (tmp_path / "b.txt").write_text("[see figure 2] Light gives energy [1 mark]")
    assert extract(tmp_path / "a.txt").media_type == "application/json"
    assert extract(tmp_path / "b.txt").media_type == "text/plain"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("junk.txt", bytes(range(256)) * 40, "binary data, not plain text"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "PNG picture is damaged.*give its text"),
        ("photo.pdf", b"\xff\xd8\xff\xe0" + b"\x00" * 50, "JPEG picture is damaged.*give its text"),
        (
            "notes.docx",
            OLE + b"\x00" * 600,
            "old Office file.*save it as DOCX",
        ),
        (
            "locked.docx",
            OLE + "EncryptedPackage".encode("utf-16-le"),
            "password is needed",
        ),
        ("answers.csv", b"SQLite format 3\x00" + b"\x00" * 50, "SQLite database.*CSV"),
        ("noname", b"\x7fELF\x02\x01\x01" + b"\x00" * 50, "a program"),
    ],
)
def test_what_is_no_document_is_named_with_a_remedy(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}.*{complaint}"):
        extract(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("papers.zip", "paper.pdf"),
        ("guide.docx", "word/document.xml"),
        ("class.xlsx", "xl/workbook.xml"),
        ("quiz.zip", "imsmanifest.xml"),
    ],
)
def test_whatever_is_zipped_with_a_password_says_so(tmp_path: Path, name: str, part: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(part, "<a/>")
    content = bytearray(stream.getvalue())
    # The lowest bit of the flags, in the part's own head and in the directory, says "encrypted".
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: .*password is needed.*without a password"):
        extract(tmp_path / name)


def test_an_excel_workbook_named_docx_is_read_as_a_workbook(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Question", "Answer", "Marks"])
    book.active.append([1, "A leaf.", 2])
    book.save(tmp_path / "marks.docx")
    extraction = extract(tmp_path / "marks.docx")
    assert extraction.tables[0].rows == (("Question", "Answer", "Marks"), ("1", "A leaf.", "2"))
    assert "holds Excel workbook" in extraction.notes[0]


def test_limits_name_what_was_exceeded(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("word " * 1000)
    with pytest.raises(InputError, match=r"long\.txt: larger than the 0\.001 MB allowed"):
        extract(tmp_path / "long.txt", Limits(max_bytes=1000))
    with pytest.raises(InputError, match="more than the 1,000 characters allowed"):
        extract(tmp_path / "long.txt", Limits(max_chars=1000))


def test_tables_of_answers_may_be_longer_than_documents(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("answer,score\n" + "light,1\n" * 1000)
    assert len(extract(tmp_path / "answers.csv", Limits(max_chars=1000)).tables[0].rows) == 1001


def test_what_no_store_can_hold_is_cleaned_away(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"answer": "li\\u0000ght \\ud800 soft\\u00adhyphen"}')
    (tmp_path / "b.txt").write_text(
        "li\x00ght \x07soft\u00adhyphen \u200bwater and much more " + "text " * 100
    )
    assert "light softhyphen water" in extract(tmp_path / "b.txt").text
    extract(tmp_path / "a.json").text.encode("utf-8")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"{\\rtf1", b"<html>", b"{", b"[", b"\xff\xfe", b"\xef\xbb\xbf"]
    ),
    content=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    suffix=st.sampled_from(["pdf", "docx", "txt", "md", "html", "rtf", "json", "jsonl", "csv", "bin"]),
)
def test_random_bytes_are_read_or_refused_but_never_crash(
    tmp_path: Path, start: bytes, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"random.{suffix}"
    path.write_bytes(start + content)
    try:
        extraction = extract(path)
    except InputError as refusal:
        assert "random." in str(refusal)
    else:
        extraction.to_json().encode("utf-8")
        assert normalise_text(extraction.text) or not extraction.text.isspace()
        assert 0 <= extraction.quality <= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["pdf", "docx", "rtf", "html"]))
def test_damaged_documents_are_read_or_refused_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, saved: dict[str, bytes], data: st.DataObject, suffix: str
) -> None:
    content = bytearray(saved[suffix])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged.{suffix}"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        extract(path).to_json().encode("utf-8")
    except InputError as refusal:
        assert "damaged." in str(refusal)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    paths = save_everywhere(tmp_path_factory.mktemp("saved"))
    return {suffix: path.read_bytes() for suffix, path in paths.items()}


def test_importing_the_reader_imports_no_format_library() -> None:
    code = (
        "import sys, domain.documents.reading, domain.documents.near_duplicates; "
        "print([m for m in ('pypdf', 'pypdfium2', 'docx', 'lxml', 'selectolax', 'striprtf', 'py3langid', "
        "'datasketch', 'numpy', 'charset_normalizer') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
