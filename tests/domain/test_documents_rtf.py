from __future__ import annotations

from pathlib import Path

import pytest

from domain.documents.reading import extract
from domain.errors import InputError


def rtf(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "a.rtf"
    path.write_bytes(
        (r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}\f0 " + body + "}").encode("latin-1")
    )
    return path


def test_umlauts_come_through_in_each_spelling(tmp_path: Path) -> None:
    path = rtf(tmp_path, r"Gr\'f6\'dfe \u252?ber Ma\u223?\par gr\'fcn \u8364?5\par")
    assert extract(path).text.split("\n")[:2] == ["Größe über Maß", "grün €5"]


def test_an_emoji_in_two_halves_is_joined_and_a_lone_half_is_replaced(tmp_path: Path) -> None:
    text = extract(rtf(tmp_path, r"good \u-10179?\u-8704? bad \u-10179? end\par")).text
    assert "good \U0001f600 bad \ufffd end" in text
    text.encode("utf-8")


def test_table_rows_are_lines_and_a_table(tmp_path: Path) -> None:
    row = r"\trowd\cellx1000\cellx2000 {0}\cell {1}\cell\row "
    body = r"Marks\par " + row.format("Item", "Points") + row.format("1", "2") + r"\pard Total 2\par"
    extraction = extract(rtf(tmp_path, body))
    assert extraction.tables[0].rows == (("Item", "Points"), ("1", "2"))
    assert [line.strip() for line in extraction.text.split("\n") if line.strip()] == [
        "Marks",
        "Item | Points",
        "1 | 2",
        "Total 2",
    ]


def test_fonts_pictures_and_properties_are_not_text(tmp_path: Path) -> None:
    body = r"{\info{\author Eve}}{\*\generator Word}{\pict\pngblip 89504e47}Light\par"
    assert extract(rtf(tmp_path, body)).text.strip() == "Light"


def test_rtf_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.rtf: this RTF holds no text"):
        extract(rtf(tmp_path, r"{\info{\author Eve}}\par"))


def test_a_codepage_that_does_not_exist_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1\ansi\ansicpg99999 Gr\'f6sse und Licht\par}")
    assert "Licht" in extract(path).text


def test_a_link_is_followed_by_its_address(tmp_path: Path) -> None:
    body = r'see {\field{\*\fldinst{HYPERLINK "https://example.org/a"}}{\fldrslt the guide}} now\par'
    assert "the guide" in extract(rtf(tmp_path, body)).text


def test_an_absurd_font_table_is_refused_and_countless_links_cost_little(tmp_path: Path) -> None:
    (tmp_path / "fonts.rtf").write_text(r"{\rtf1 Light {\fonttbl" + r"\f1\fcharset" * 20_000 + "}}")
    with pytest.raises(InputError, match=r"fonts\.rtf: this RTF has a damaged or absurd font table"):
        extract(tmp_path / "fonts.rtf")
    assert extract(rtf(tmp_path, "Light " + r'{\field{\*\fldinst{HYPERLINK ""' * 2000)).seconds < 5
