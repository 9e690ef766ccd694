"""Tables of answers as people have them: named columns, gzip, splits, rows that cannot be used."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from domain.errors import InputError
from domain.grading.tidy import TidyAnswers, read_split, read_tidy
from domain.kinds import Protocol, Split

DATA = Path(__file__).parents[3] / "shared/data/grading"


def table(folder: Path, text: str, name: str = "answers.csv") -> TidyAnswers:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_tidy(path)


def test_columns_are_found_under_their_common_names(tmp_path: Path) -> None:
    tidy = table(
        tmp_path,
        "Exam,Question ID,Question,Reference Answer,All References,Max Mark,"
        "Answer ID,Student ID,Student Answer,Gold,Score 2,Subset\n"
        'Plants,007,Why?,Light.,Light. || Sun.,3,a1,s1,"sun, or so",2.5,2,train\n'
        "Plants,007,Why?,Light.,Light. || Sun.,3,a2,s2,rain,0,,test-UA\n",
    )
    (item,) = tidy.items
    assert (item.item_id, item.guide, item.item.number) == ("007", "Plants", "007")
    assert (item.item.model_answer, item.item.alternatives, item.item.max_score) == ("Light.", ("Sun.",), 3.0)
    first, second = tidy.answers
    assert (first.answer_id, first.student, first.answer.text) == ("a1", "s1", "sun, or so")
    assert (first.answer.gold, first.answer.second_gold, first.answer.place) == (2.5, 2.0, "row 2")
    assert (second.split, second.protocol, second.split_name) == (
        Split.TEST,
        Protocol.UNSEEN_ANSWERS,
        "test-UA",
    )
    assert (tidy.rejections, tidy.problems) == ((), ())


def test_without_optional_columns_an_item_is_worth_one_and_each_answer_its_own_student(
    tmp_path: Path,
) -> None:
    tidy = table(tmp_path, "question;model_answer;answer;score\nWhy?;So.;so;1\nWhy?;So.;no;0,5\n")
    assert tidy.items[0].item.max_score == 1.0
    assert [a.answer.gold for a in tidy.answers] == [1.0, 0.5]
    assert len({a.student for a in tidy.answers}) == 2
    assert tidy.answers[0].split is None


def test_rows_that_cannot_be_used_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    tidy = table(
        tmp_path,
        "item_id,model_answer,max_score,answer_id,answer,score,split\n"
        "1,So.,2,a,so,2,train\n"
        "1,So.,2,b,so,three,train\n"
        "1,So.,2,c,so,5,train\n"
        "1,So.,2,d,so,-1,train\n"
        "1,So.,3,e,so,1,train\n"
        "1,So.,2,a,so,1,train\n"
        "1,So.,2,f,so,1,later\n"
        ",So.,2,g,so,1,train\n"
        "1,So.,2,h,so,nan,train\n"
        "2,So.,0,i,so,0,train\n"
        "1,So.,2,j,so,1,train,extra\n"
        "\n"
        "1,So.,2,k,,,dev\n",
    )
    assert [(r.row, r.column, r.check, r.value) for r in tidy.rejections] == [
        ("row 3", "score", "is_a_number", "three"),
        ("row 4", "score", "at_most_max_score(2)", "5"),
        ("row 5", "score", "at_least(0)", "-1"),
        ("row 6", "max_score", "same_as_row(2)", "3"),
        ("row 7", "answer_id", "unique", "a"),
        ("row 8", "split", "is_train_validation_or_test", "later"),
        ("row 9", "item_id", "not_blank", ""),
        ("row 10", "score", "is_a_number", "nan"),
        ("row 11", "max_score", "greater_than(0)", "0"),
        ("row 12", "", "has_7_cells", "8 cells"),
    ]
    assert [(a.answer_id, a.answer.gold) for a in tidy.answers] == [("a", 2.0), ("k", None)]


def test_missing_columns_are_named_with_those_that_were_found(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        table(tmp_path, "student,answer,grade_of_day\nAda,so,1\n")
    message = str(error.value)
    assert "answers.csv lacks the columns item_id" in message
    assert "model_answer" in message
    assert "score" in message
    assert "It has: student, answer, grade_of_day" in message


def test_answers_to_be_graded_need_no_score(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("item_id,model_answer,answer\n1,So.,so\n")
    assert read_tidy(path, scored=False).answers[0].answer.gold is None
    with pytest.raises(InputError, match="lacks the columns score"):
        read_tidy(path)


def test_json_lines_are_read_like_csv(tmp_path: Path) -> None:
    rows = [
        {
            "number": 1,
            "question": "Why?",
            "model_answer": "So.",
            "alternatives": ["Thus.", "So."],
            "answer": "so",
            "score": 1,
        },
        {
            "number": 1,
            "question": "Why?",
            "model_answer": "So.",
            "answer": "no",
            "score": 0.5,
            "split": "dev",
        },
    ]
    text = "\n".join([json.dumps(rows[0]), "{broken", "[1]", "", json.dumps(rows[1])])
    tidy = table(tmp_path, text, "answers.jsonl")
    assert tidy.items[0].item.alternatives == ("Thus.",)
    assert [(a.answer.number, a.answer.gold, a.split) for a in tidy.answers] == [
        ("1", 1.0, None),
        ("1", 0.5, Split.VALIDATION),
    ]
    assert [(r.row, r.check) for r in tidy.rejections] == [("row 2", "is_json"), ("row 3", "is_object")]


def test_other_model_answers_of_an_item_become_alternatives(tmp_path: Path) -> None:
    tidy = table(tmp_path, "item_id,question,model_answer,answer,score\n1,Why?,So.,a,1\n1,How?,Thus.,b,1\n")
    assert tidy.items[0].item.alternatives == ("Thus.",)
    assert tidy.problems == ("item 1 has different questions: that of row 2 is kept",)


def test_one_item_id_in_two_guides_is_two_items(tmp_path: Path) -> None:
    tidy = table(tmp_path, "guide,item_id,model_answer,answer,score\nA,1,So.,a,1\nB,1,Thus.,b,1\n")
    assert [(i.guide, i.item.model_answer) for i in tidy.items] == [("A", "So."), ("B", "Thus.")]


@pytest.mark.parametrize(
    ("text", "split", "protocol"),
    [
        ("train", Split.TRAIN, None),
        ("Dev", Split.VALIDATION, None),
        ("test", Split.TEST, None),
        ("test-ua", Split.TEST, Protocol.UNSEEN_ANSWERS),
        ("UA", Split.TEST, Protocol.UNSEEN_ANSWERS),
        ("unseen answers", Split.TEST, Protocol.UNSEEN_ANSWERS),
        ("test_unseen_questions", Split.TEST, Protocol.UNSEEN_ITEMS),
        ("UQ", Split.TEST, Protocol.UNSEEN_ITEMS),
        ("Unseen Domains", Split.TEST, Protocol.UNSEEN_ITEMS),
        ("UD", Split.TEST, Protocol.UNSEEN_ITEMS),
    ],
)
def test_splits_are_read_as_benchmarks_write_them(text: str, split: Split, protocol: Protocol | None) -> None:
    assert read_split(text) == (split, protocol)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("item_id,model_answer,answer,score\n1,S\xf6,so,1\n".encode("latin-1"), "is not UTF-8"),
        (gzip.compress(b"item_id,model_answer,answer,score\n1,a,b,1\n", mtime=0)[:-12], "is damaged"),
        (b"x" * 2_100_000, "is longer than"),
    ],
)
def test_a_file_that_is_no_table_is_an_input_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_tidy(path)


def test_a_table_that_does_not_exist_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tidy(tmp_path / "none.csv")


def test_an_open_quote_does_not_swallow_rows_silently(tmp_path: Path) -> None:
    tidy = table(tmp_path, 'item_id,model_answer,answer,score\n1,So.,so,1\n1,So.,"so,1\n1,So.,so,0\n')
    assert len(tidy.answers) == 1
    assert [r.check for r in tidy.rejections] == ["is_csv"]


@pytest.mark.skipif(not DATA.is_dir(), reason="the benchmarks' data are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "n_items", "n_answers", "unseen_answers", "unseen_items"),
    [
        ("scientsbank_2way", 196, 10804, 540, 733 + 4562),
        ("beetle_2way", 56, 5199, 439, 819),
        ("saf_english", 22, 2110, 251, 384),
        ("saf_german", 8, 2407, 271, 602),
    ],
)
def test_the_benchmarks_are_read_as_they_are(
    name: str, n_items: int, n_answers: int, unseen_answers: int, unseen_items: int
) -> None:
    tidy = read_tidy(DATA / f"{name}.csv.gz")
    assert (len(tidy.items), len(tidy.answers), tidy.rejections, tidy.problems) == (
        n_items,
        n_answers,
        (),
        (),
    )
    protocols = Counter(a.protocol for a in tidy.answers)
    assert protocols[Protocol.UNSEEN_ANSWERS] == unseen_answers
    assert protocols[Protocol.UNSEEN_ITEMS] == unseen_items
