"""Plain text, charsets and Markdown."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.plain_text import decode
from domain.documents.reading import extract

GERMAN = "Größe über Maß: die Pflanze nutzt Licht für ihre Energie – „Photosynthese“."
RUSSIAN = "Растение превращает свет в химическую энергию, это называется фотосинтез."


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (GERMAN.encode(), None),
        (codecs.BOM_UTF8 + GERMAN.encode(), None),
        (GERMAN.encode("utf-16"), "UTF-16, by its byte order mark"),
        (codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"), "UTF-16, by its byte order mark"),
        (GERMAN.encode("utf-32"), "UTF-32, by its byte order mark"),
        (GERMAN.encode("utf-16-le"), "UTF-16-LE, guessed"),
        (GERMAN.encode("utf-16-be"), "UTF-16-BE, guessed"),
        (GERMAN.encode("cp1252"), "Windows-1252"),
    ],
    ids=[
        "utf8",
        "utf8_mark",
        "utf16_le_mark",
        "utf16_be_mark",
        "utf32_mark",
        "utf16_le",
        "utf16_be",
        "cp1252",
    ],
)
def test_each_charset_gives_the_same_text(tmp_path: Path, content: bytes, note: str | None) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    extraction = extract(tmp_path / "a.txt")
    assert extraction.text == GERMAN
    assert extraction.language == "de"
    assert (note is None) == (extraction.notes == ())
    assert note is None or note in extraction.notes[0]


def test_latin_1_umlauts_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Größe über Maß".encode("latin-1"))
    assert extract(tmp_path / "a.txt").text == "Größe über Maß"


def test_one_damaged_byte_does_not_spoil_the_umlauts_of_a_utf_8_file() -> None:
    decoded = decode(GERMAN.encode() * 3 + b"\xff tail")
    assert decoded.text == GERMAN * 3 + "\ufffd tail"
    assert "1 damaged" in decoded.notes[0]


def test_cyrillic_is_not_read_as_western_text() -> None:
    decoded = decode(RUSSIAN.encode("cp1251") * 5)
    assert decoded.text == RUSSIAN * 5
    assert "guessed" in decoded.notes[0]


def test_line_ends_become_unix() -> None:
    assert decode(b"one\r\ntwo\rthree\n").text == "one\ntwo\nthree\n"


@given(
    st.binary(max_size=200), st.sampled_from([None, "utf-7", "zlib", "rot13", "cp037", "no-such", "idna", ""])
)
def test_any_bytes_decode(content: bytes, declared: str | None) -> None:
    assert isinstance(decode(content, declared).text, str)


def test_markdown_loses_its_marks_and_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# Biology guide #\n\n## **Question 1** (3 marks)\n\n"
        "- light is __needed__\n2\\. x_1_ = 2*3*4 and *plant*\n"
        "a ** b ** c, 5 # 6, #hashtag\n```\n# code **stays**\n```\n"
    )
    assert extract(tmp_path / "a.md").text.split("\n") == [
        "Biology guide",
        "",
        "Question 1 (3 marks)",
        "",
        "- light is needed",
        "2. x_1_ = 2*3*4 and *plant*",
        "a ** b ** c, 5 # 6, #hashtag",
        "# code **stays**",
        "",
    ]


def test_a_markdown_table_is_rows_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "Marks:\n\n| Item | Answer |\n|:---|---:|\n| 1 | **light** or a \\| b |\n| 2 | |\n\nend | of | it\n"
    )
    extraction = extract(tmp_path / "a.md")
    assert extraction.tables[0].rows == (("Item", "Answer"), ("1", "light or a | b"), ("2", ""))
    assert "Item | Answer\n1 | light or a | b\n2 | \n\nend | of | it" in extraction.text


def test_asterisks_without_end_cost_linear_time(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a **b" * 100_000 + "\n" + "__a" * 100_000)
    assert extract(tmp_path / "a.md").seconds < 5
