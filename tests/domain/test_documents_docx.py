from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from domain.documents.extraction import Limits
from domain.documents.reading import extract
from domain.errors import InputError


def saved(document: object, path: Path) -> Path:
    document.save(str(path))
    return path


def lines_of(path: Path) -> list[str]:
    return [line for line in extract(path).text.split("\n") if line.strip()]


def test_paragraphs_and_tables_come_in_document_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Marking guide", 0)
    table = document.add_table(2, 3)
    for at, text in enumerate(["Item", "Answer", "Marks", "1", "Light gives\nenergy", "2"]):
        table.cell(at // 3, at % 3).text = text
    document.add_paragraph("Total: 2 marks")
    path = saved(document, tmp_path / "a.docx")
    assert lines_of(path) == [
        "Marking guide",
        "Item | Answer | Marks",
        "1 | Light gives energy | 2",
        "Total: 2 marks",
    ]
    assert extract(path).tables[0].rows == (("Item", "Answer", "Marks"), ("1", "Light gives\nenergy", "2"))
    assert extract(path).method == "python-docx"


def test_a_nested_table_is_read_within_its_cell_and_as_a_table_of_its_own(tmp_path: Path) -> None:
    document = docx.Document()
    outer = document.add_table(1, 2)
    outer.cell(0, 0).text = "Criteria"
    inner = outer.cell(0, 1).add_table(2, 2)
    for at, text in enumerate(["energy", "1", "sugar", "2"]):
        inner.cell(at // 2, at % 2).text = text
    path = saved(document, tmp_path / "a.docx")
    assert lines_of(path) == ["Criteria | energy 1 sugar 2"]
    assert [table.rows for table in extract(path).tables] == [
        (("Criteria", "energy 1\nsugar 2"),),
        (("energy", "1"), ("sugar", "2")),
    ]


def test_merged_cells_hold_their_text_once(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    table.cell(0, 2).text, table.cell(1, 1).text, table.cell(2, 2).text = "x", "y", "z"
    rows = extract(saved(document, tmp_path / "a.docx")).tables[0].rows
    assert rows == (("wide", "", "x"), ("tall", "y", ""), ("", "", "z"))


def test_list_numbers_and_bullets_are_visible(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Explain osmosis.", style="List Number")
    document.add_paragraph("water moves", style="List Bullet")
    document.add_paragraph("Explain diffusion.", style="List Number")
    path = saved(document, tmp_path / "a.docx")
    assert lines_of(path) == ["1. Explain osmosis.", "• water moves", "2. Explain diffusion."]


def test_levels_count_and_restart_as_word_shows_them(tmp_path: Path) -> None:
    document = docx.Document()
    levels = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for at, start, form, text in [
            (0, 1, "decimal", "Question %1:"),
            (1, 1, "lowerLetter", "%1(%2)"),
            (2, 3, "lowerRoman", "%3."),
        ]
    )
    numbering = document.part.numbering_part.element
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{levels}</w:abstractNum>')
    )
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    numbering.append(
        parse_xml(
            f'<w:num {nsdecls("w")} w:numId="91"><w:abstractNumId w:val="90"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>'
        )
    )
    for number, level in [(90, 0), (90, 1), (90, 1), (90, 2), (90, 2), (90, 0), (90, 1), (91, 0), (91, 0)]:
        properties = document.add_paragraph("x")._p.get_or_add_pPr()
        properties.append(
            parse_xml(
                f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
            )
        )
    assert lines_of(saved(document, tmp_path / "a.docx")) == [
        "Question 1: x",
        "1(a) x",
        "1(b) x",
        "iii. x",
        "iv. x",
        "Question 2: x",
        "2(a) x",
        "Question 7: x",
        "Question 8: x",
    ]


def test_inserted_text_content_controls_and_formulas_are_read_and_deleted_text_is_not(tmp_path: Path) -> None:
    document = docx.Document()
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    paragraph = parse_xml(
        f"<w:p {nsdecls('w')} {math}><w:r><w:t>kept </w:t></w:r>"
        "<w:ins><w:r><w:t>inserted </w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<m:oMath><m:r><m:t>E=mc²</m:t></m:r></m:oMath></w:p>"
    )
    control = parse_xml(
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>Name:</w:t><w:tab/><w:t>Ada</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    body = document.element.body
    body.insert(0, paragraph)
    body.insert(1, control)
    assert lines_of(saved(document, tmp_path / "a.docx")) == ["kept inserted E=mc²", "Name:\tAda"]


def test_a_page_header_is_left_out_with_a_note(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Light gives energy")
    document.sections[0].header.paragraphs[0].text = "Name: Ada"
    extraction = extract(saved(document, tmp_path / "a.docx"))
    assert extraction.text.strip() == "Light gives energy"
    assert extraction.notes == ("page header left out: Name: Ada",)


def test_a_truncated_docx_is_called_damaged(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Light gives energy")
    path = saved(document, tmp_path / "cut.docx")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.docx: this DOCX is damaged or cut off.*again"):
        extract(path)


def test_the_xml_is_read_where_python_docx_refuses_the_package(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Explain osmosis.", style="List Number")
    path = saved(document, tmp_path / "a.docx")
    rewrite(path, lambda name, content: None if name == "_rels/.rels" else content)
    extraction = extract(path)
    assert extraction.text == "1. Explain osmosis."
    assert extraction.method == "docx-xml"
    assert "python-docx failed" in extraction.notes[0]


def test_a_docx_whose_xml_is_broken_is_called_damaged(tmp_path: Path) -> None:
    path = saved(docx.Document(), tmp_path / "a.docx")
    rewrite(path, lambda name, content: b"<w:document" if name == "word/document.xml" else content)
    with pytest.raises(InputError, match=r"a\.docx: this DOCX is damaged"):
        extract(path)


def test_a_docx_without_a_word_holds_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this DOCX holds no text"):
        extract(saved(docx.Document(), tmp_path / "blank.docx"))


def test_a_docx_that_unpacks_to_something_absurd_is_refused_unread(tmp_path: Path) -> None:
    path = saved(docx.Document(), tmp_path / "bomb.docx")
    rewrite(path, lambda name, content: b" " * 40_000_000 if name == "word/document.xml" else content)
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match="XML part of 40 MB"):
        extract(path)
    with pytest.raises(InputError, match="unpacks to 41 MB"):
        extract(path, Limits(max_unpacked_bytes=1_000_000))


def test_a_docx_with_overlapping_parts_is_refused(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Light gives energy")
    path = saved(document, tmp_path / "a.docx")
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    third = content.index(b"PK\x01\x02", second + 4)
    # Offset 42 of a directory entry says where its part begins.
    content[third + 42 : third + 46] = struct.pack(
        "<I", struct.unpack("<I", content[second + 42 : second + 46])[0] + 1
    )
    path.write_bytes(content)
    with pytest.raises(InputError, match="parts that overlap"):
        extract(path)


def test_entities_of_a_docx_are_not_resolved(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    path = saved(docx.Document(), tmp_path / "a.docx")
    evil = (
        f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{tmp_path}/secret.txt">]><w:document {nsdecls("w")}>'
        "<w:body><w:p><w:r><w:t>answer &s;</w:t></w:r></w:p></w:body></w:document>"
    ).encode()
    rewrite(path, lambda name, content: evil if name == "word/document.xml" else content)
    assert "hunter2" not in extract(path).text


def rewrite(path: Path, change: object) -> None:
    """Every part of the archive goes through `change(name, content)`; None leaves it out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)


def test_an_archive_of_countless_parts_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.docx", "w") as archive:
        for at in range(6000):
            archive.writestr(f"word/{at}", b"")
    with pytest.raises(InputError, match=r"many\.docx: this ZIP archive has over 5000 parts"):
        extract(tmp_path / "many.docx")
