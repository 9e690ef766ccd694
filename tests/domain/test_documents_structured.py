"""JSON, JSON lines and CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.documents.reading import extract
from domain.errors import InputError

GUIDE = {"title": "Größe", "items": [{"number": "1", "marks": 3, "answer": "Licht\nund Wasser"}]}


def test_json_comes_back_as_it_was_and_layout_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(GUIDE))
    (tmp_path / "b.json").write_text(json.dumps(GUIDE, indent=7, ensure_ascii=False), encoding="utf-16")
    one, other = extract(tmp_path / "a.json"), extract(tmp_path / "b.json")
    assert json.loads(one.text) == GUIDE
    assert one.text == other.text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"a": 1,\n "b": }', "not JSON at line 2, column 7"),
        ("{}", "holds nothing"),
        ("null", "holds nothing"),
        ("[" * 100_000, "cannot be read|not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_bad_json_is_named_with_its_place(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "guide.json").write_text(content)
    with pytest.raises(InputError, match=rf"guide\.json.*({complaint})"):
        extract(tmp_path / "guide.json")


def test_json_lines_come_back_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"answer": "Licht"}\r\n\n{"answer":"Gr\\u00f6\\u00dfe"}\n')
    extraction = extract(tmp_path / "a.jsonl")
    assert [json.loads(line) for line in extraction.text.split("\n")] == [
        {"answer": "Licht"},
        {"answer": "Größe"},
    ]
    assert extraction.media_type == "application/jsonl"


def test_a_separator_within_a_json_string_ends_no_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"answer": "one\u2028two\u0085three"}\n{"answer": "b"}\n')
    assert json.loads(extract(tmp_path / "a.jsonl").text.split("\n")[0])["answer"].startswith("one")


def test_a_bad_line_of_json_lines_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"answer": "x"}\n{"answer": \n')
    with pytest.raises(InputError, match=r"a\.jsonl: line 2 is not JSON"):
        extract(tmp_path / "a.jsonl")


def test_json_lines_under_the_name_json_are_read_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}\n{"a": 2}\n')
    extraction = extract(tmp_path / "a.json")
    assert extraction.text == '{"a": 1}\n{"a": 2}'
    assert extraction.notes == ("one JSON value a line",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_with_the_delimiter_it_uses(tmp_path: Path, delimiter: str) -> None:
    rows = (("answer", "score", "note"), ("light, water; sun", "1", 'say "yes"'), ("line\nbreak", "0", ""))
    quoted = ('"' + cell.replace('"', '""') + '"' for row in rows for cell in row)
    cells = list(quoted)
    (tmp_path / "a.csv").write_text(
        "\r\n".join(delimiter.join(cells[at : at + 3]) for at in (0, 3, 6)) + "\r\n\r\n", newline=""
    )
    extraction = extract(tmp_path / "a.csv")
    assert extraction.tables[0].rows == rows
    assert len(extraction.notes) == (delimiter != ",")


def test_commas_in_german_numbers_do_not_beat_the_semicolon(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("antwort;punkte\nLicht;1,5\nWasser;2,0\n")
    assert extract(tmp_path / "a.csv").tables[0].rows[1] == ("Licht", "1,5")


def test_rows_of_another_length_are_noted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n4,5,6\n")
    assert extract(tmp_path / "a.csv").notes == (
        "2 rows do not have the 2 cells of the first one: rows 3, 4",
    )


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"' + "x" * 200_000)
    with pytest.raises(InputError, match=r"a\.csv: not CSV"):
        extract(tmp_path / "a.csv")
