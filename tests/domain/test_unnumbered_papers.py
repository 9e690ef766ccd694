"""Papers without question numbers: what answers what, how sure that is, and what is left in doubt."""

from textwrap import dedent

import pytest

from domain.documents.extraction import Extraction
from domain.grading.ordering import NO_ITEM, Sight, place
from domain.grading.records import Criterion, Guide, Item, Submission
from domain.grading.submissions import parse_submission
from domain.grading.unnumbered import SURE, choose_by_likeness, read_unnumbered

GUIDE = Guide(
    "Rivers",
    (
        Item(
            "1a", "Explain how a waterfall is formed.",
            "A layer of hard rock lies over soft rock. The river erodes the soft rock faster and undercuts "
            "the hard rock until the overhang collapses.", 3.0,
            (Criterion("hard rock over soft rock", 1.0), Criterion("overhang collapses", 1.0)),
        ),
        Item(
            "1b", "Explain why a river deposits material on the inside of a meander.",
            "Water is slower on the inside of the bend, so it has less energy and drops sediment.",
            2.0,
        ),
        Item(
            "2", "Give two human causes of flooding.",
            "Building on the land, since concrete is impermeable, and cutting down trees.",
            2.0,
        ),
        Item("3", "Name one benefit of floods for farmers.", "Silt makes the plain fertile.", 1.0),
    ),
)  # fmt: skip


def read(text: str, guide: Guide = GUIDE) -> Submission:
    extraction = Extraction(dedent(text).strip("\n"), "test", "text/plain", 0.0, 1.0, "en")
    numbered = parse_submission(extraction, "class/ada.txt", [item.number for item in guide.items])
    return read_unnumbered(extraction, "class/ada.txt", numbered, guide)


def texts(paper: Submission) -> dict[str, str]:
    return {answer.number: answer.text for answer in paper.answers}


def test_paragraphs_without_numbers_meet_the_items_that_they_answer() -> None:
    paper = read(
        """
        Name: Ada
        Rivers

        The soft rock under the hard rock is eroded, then the overhang collapses.
        It moves upstream.

        The water is slower on the inside of the bend and drops sediment.

        Concrete is impermeable and the trees were cut down.

        Silt makes fields fertile.
        """
    )
    assert texts(paper) == {
        "1a": "The soft rock under the hard rock is eroded, then the overhang collapses.\nIt moves upstream.",
        "1b": "The water is slower on the inside of the bend and drops sediment.",
        "2": "Concrete is impermeable and the trees were cut down.",
        "3": "Silt makes fields fertile.",
    }
    assert paper.student == "Ada"
    assert all(answer.alignment > SURE and not answer.doubt for answer in paper.answers)
    assert [answer.place for answer in paper.answers] == ["line 4", "line 7", "line 9", "line 11"]
    assert paper.problems == ()


def test_an_item_that_nobody_answered_is_left_out() -> None:
    paper = read("Soft rock is eroded under hard rock.\n\nTrees are cut down and concrete is impermeable.")
    assert list(texts(paper)) == ["1a", "2"]


def test_scores_part_answers_and_leave_their_texts() -> None:
    paper = read(
        """
        Student: Ada
        Hard rock over soft rock.

        Then the overhang collapses.
        Score: 3/3
        Slower on the inside of the meander.
        Score: 1/2
        Second marker: 2
        Feedback: which energy?
        Trees and concrete.  [2/2]
        The silt.
        Score: 1
        Total: 7
        """
    )
    assert texts(paper) == {
        "1a": "Hard rock over soft rock.\n\nThen the overhang collapses.",
        "1b": "Slower on the inside of the meander.",
        "2": "Trees and concrete.",
        "3": "The silt.",
    }
    assert [(a.gold, a.second_gold) for a in paper.answers] == [(3, None), (1, 2), (2, None), (1, None)]


@pytest.mark.parametrize("total", ["top", "bottom"])
def test_a_total_alone_is_the_papers_and_no_answers_score(total: str) -> None:
    written = (
        "Hard rock lies over soft rock and collapses.\n\nConcrete and fewer trees.\n\nSilt is fertile.\n"
    )
    paper = read(
        f"Name: Ada\nScore: 6/8\n\n{written}" if total == "top" else f"Name: Ada\n\n{written}\nTotal: 6/8"
    )
    assert paper.expected_total == 6
    assert [(answer.number, answer.gold) for answer in paper.answers] == [
        ("1a", None),
        ("2", None),
        ("3", None),
    ]


def test_a_question_that_is_copied_above_its_answer_settles_it() -> None:
    paper = read(
        """
        Name one benefit of floods for farmers.
        I do not know.
        Explain how a waterfall is formed. (3 marks)
        By wind.
        """
    )
    assert texts(paper) == {"3": "I do not know.", "1a": "By wind."}
    assert all(answer.alignment == 1.0 for answer in paper.answers)


def test_an_answer_between_two_numbers_is_found_by_its_words() -> None:
    paper = read(
        """
        1a) The soft rock erodes and the hard rock falls in.

        On the inside of the meander the water is slow, it has less energy and drops its sediment.

        2. Trees were cut down.
        3. Silt.
        """
    )
    assert texts(paper)["1a"] == "The soft rock erodes and the hard rock falls in."
    assert texts(paper)["1b"].startswith("On the inside of the meander")
    assert [answer.doubt for answer in paper.answers] == ["", "", "", ""]


def test_a_numbered_answer_of_two_paragraphs_stays_whole_though_an_item_is_left_out() -> None:
    paper = read("1a) The soft rock erodes.\n\nThen it falls in.\n\n2. Trees were cut down.\n3. Silt.")
    assert texts(paper) == {
        "1a": "The soft rock erodes.\n\nThen it falls in.",
        "2": "Trees were cut down.",
        "3": "Silt.",
    }
    assert [answer.doubt for answer in paper.answers] == ["", "", ""]


def test_an_answer_that_could_be_to_two_items_is_kept_with_its_doubt() -> None:
    paper = read(
        "Soft rock is eroded under hard rock.\n\nBecause it is so.\n\nSilt makes the fields fertile."
    )
    doubtful = [answer for answer in paper.answers if answer.doubt]
    assert doubtful, "the middle paragraph says nothing about any item"
    for answer in doubtful:
        assert answer.alignment < SURE
        assert f"{answer.alignment:.0%} sure that {answer.place} answers item {answer.number}" in answer.doubt
        assert "put the numbers of the questions before the answers" in answer.doubt


def test_as_many_paragraphs_as_items_are_no_evidence_where_no_word_speaks_for_it() -> None:
    paper = read("It just is.\n\nNobody knows.\n\nMaybe so.\n\nPerhaps not.")
    assert all(answer.doubt for answer in paper.answers)


def test_what_fits_no_item_is_told_and_not_attached() -> None:
    paper = read(
        """
        Dear Mrs Miller, my printer broke yesterday night, please excuse how this looks!

        Soft rock is eroded under hard rock until the overhang collapses.

        The water flows slowly inside the bend and drops its sediment.

        Concrete is impermeable and trees were cut down.

        Silt makes the flood plain fertile.
        """
    )
    assert paper.problems == (
        "line 1 ('Dear Mrs Miller, my printer broke ...') fits no item: put the question's number before it",
    )
    assert list(texts(paper)) == ["1a", "1b", "2", "3"]


def test_a_paper_with_all_numbers_is_not_touched() -> None:
    text = "1a. Silt.\n1b. Trees.\n2. Rock.\n3. Bend."
    extraction = Extraction(text, "test", "text/plain", 0.0, 1.0, "en")
    numbered = parse_submission(extraction, "a.txt", ["1a", "1b", "2", "3"])
    assert read_unnumbered(extraction, "a.txt", numbered, GUIDE) is numbered


def test_a_score_that_is_too_high_for_an_item_speaks_against_it() -> None:
    paper = read(
        "Because of the rain.\nScore: 3/3\nSlow water drops sediment on the inside bend.\nScore: 2/2"
    )
    assert [(answer.number, answer.gold) for answer in paper.answers] == [("1a", 3.0), ("1b", 2.0)]


def test_a_guide_is_told_by_words_only_where_they_are_clear() -> None:
    cells = Guide(
        "Cells", (Item("1", "What do mitochondria do?", "They release energy in respiration.", 1.0),)
    )
    paper = Extraction("Trees are cut down and concrete is impermeable.", "t", "text/plain", 0, 1, "en")
    other = Extraction("I was ill.", "t", "text/plain", 0, 1, "en")
    assert choose_by_likeness(paper, [cells, GUIDE]).index == 1
    assert choose_by_likeness(paper, [GUIDE]).index == 0
    assert "write 'Guide: '" in choose_by_likeness(other, [cells, GUIDE]).problem
    assert "write 'Guide: '" in choose_by_likeness(paper, [GUIDE, GUIDE]).problem


@pytest.mark.parametrize("n_items", [1, 2, 5])
def test_shares_of_a_passage_never_exceed_one_and_the_order_is_kept(n_items: int) -> None:
    likenesses = [tuple(((i * 7 + j * 3) % 5) / 5 for j in range(n_items)) for i in range(6)]
    placed = place([Sight(likeness) for likeness in likenesses], n_items)
    assert all(sum(one.shares) <= 1 + 1e-9 for one in placed)
    items = [one.item for one in placed if one.item != NO_ITEM]
    assert items == sorted(items)
