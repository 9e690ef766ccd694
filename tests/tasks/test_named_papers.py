"""Copies of class lists and tables without names: rows keep their numbers, and other columns stay behind."""

import csv
import io
from pathlib import Path

from openpyxl import Workbook, load_workbook

from domain.documents.reading import extract
from domain.grading.pseudonyms import Eraser
from infra.pseudonym_keys import Key
from tasks.named_papers import people_of, read_list, read_table
from tasks.student_files import found_unit


def test_a_list_keeps_rows_and_answers_and_loses_everything_that_could_name_somebody(tmp_path: Path) -> None:
    (tmp_path / "7b.csv").write_text(
        "Mrs Miller's class,,,,,\n\n"
        "Timestamp,Name,Nickname,Email,Q1,Q1 score\n"
        "9:00,Ada Lovelace,Countess,ada@x.example,I (Ada) say light,1\n"
        ",,,,,\n"
        "9:01,Ben Okri,Benno,,=water,2\n"
    )
    key = Key(b"s" * 32, {})
    source = read_list(found_unit(tmp_path, ["7b.csv"]), extract(tmp_path / "7b.csv"))
    assert source is not None
    everybody = {person.pseudonym: person for person in people_of([source], key)}
    name, content = source.copy(key, everybody, Eraser(everybody.values()))
    ada, ben = (key.pseudonym("student", student) for student in ("Ada Lovelace", "Ben Okri"))
    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["-"],
        ["-"],
        ["Timestamp", "Student", "Nickname", "", "Q1", "Q1 score"],
        ["", ada, "", "", f"I ({ada}) say light", "1"],
        [],
        ["", ben, "", "", "=water", "2"],
    ]
    assert name.startswith("list-") and name.endswith(".csv")


def test_a_workbook_of_several_sheets_stays_one_and_runs_no_formula(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Name", "Q1 answer"])
    book.active.append(["Ada Lovelace", "light"])
    book.active.cell(2, 2).value = "'=1+1"
    scores = book.create_sheet()
    scores.append(["Name", "Q1 score"])
    scores.append(["Ada Lovelace", 2])
    book.save(tmp_path / "7b.xlsx")
    key = Key(b"s" * 32, {})
    source = read_list(found_unit(tmp_path, ["7b.xlsx"]), extract(tmp_path / "7b.xlsx"))
    assert source is not None
    everybody = {person.pseudonym: person for person in people_of([source], key)}
    _, content = source.copy(key, everybody, Eraser(everybody.values()))
    copied = load_workbook(io.BytesIO(content))
    rows = [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in copied.worksheets]
    ada = key.pseudonym("student", "Ada Lovelace")
    assert rows == [[["Student", "Q1 answer"], [ada, "'=1+1"]], [["Student", "Q1 score"], [ada, "2"]]]


def test_a_table_keeps_row_numbers_and_only_columns_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(
        "question,model_answer,student,answer,score,nickname\n"
        "Why?,So.,Ada Lovelace,Lovelace says so,1,Countess\n"
        "\n"
        "Why?,So.,Ben Okri,no,0,Benno\n"
    )
    key = Key(b"s" * 32, {})
    table, bad = read_table(found_unit(tmp_path, ["answers.csv"]), path)
    everybody = {person.pseudonym: person for person in people_of([table], key)}
    _, content = table.copy(key, everybody, Eraser(everybody.values()))
    ada, ben = (key.pseudonym("student", student) for student in ("Ada Lovelace", "Ben Okri"))
    assert bad == []
    assert content.decode().splitlines() == [
        "question,model_answer,student,text,score",
        f"Why?,So.,{ada},{ada} says so,1",
        "",
        f"Why?,So.,{ben},no,0",
    ]
