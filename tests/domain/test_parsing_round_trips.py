"""What is written in a layout is read back as it was, whatever the items are."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.extraction import Extraction
from domain.grading.alignment import align
from domain.grading.guides import parse_guide
from domain.grading.records import Answer, Criterion, Guide, Item, Submission
from domain.grading.submissions import parse_submission

VOCABULARY = """light water leaf energy glucose oxygen the a of because carbon dioxide enzymes
    faster 20 3.5 Paris cells it is total and score mark (see figure) CO2 question item
    answer 1914 a) i.e. 50% rise"""
WORDS = st.sampled_from(VOCABULARY.split())
SENTENCE = st.lists(WORDS, min_size=2, max_size=12).map(lambda words: f"The {' '.join(words)} grows.")
MARKS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 10.0])
NUMBERS = st.integers(1, 12).map(lambda n: [str(i) for i in range(1, n + 1)]) | st.lists(
    st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"], []]), min_size=1, max_size=5
).map(lambda parts: [f"{i}{part}" for i, ps in enumerate(parts, 1) for part in ps or [""]])


@st.composite
def guides(draw: st.DrawFn) -> Guide:
    items = []
    for number in draw(NUMBERS):
        points = tuple(Criterion(draw(SENTENCE), draw(MARKS)) for _ in range(draw(st.integers(0, 3))))
        worth = sum(point.marks for point in points) or draw(MARKS)
        alternatives = tuple(draw(st.lists(SENTENCE, max_size=2)))
        items.append(Item(number, f"{draw(SENTENCE)[:-1]}?", draw(SENTENCE), worth, points, alternatives))
    return Guide("Some guide", tuple(items), sum(item.max_score for item in items))


def shown(marks: float) -> str:
    return f"{marks:g}"


def as_headings(guide: Guide) -> str:
    lines = [f"# {guide.title}", ""]
    for item in guide.items:
        lines += [f"## Question {item.number} ({shown(item.max_score)} marks)", item.question, ""]
        lines += [f"**Model answer:** {item.model_answer}"]
        lines += ["**Marking points:**"] * bool(item.criteria)
        lines += [f"- {point.text} [{shown(point.marks)}]" for point in item.criteria]
        lines += (
            ["**Accept:**"] * bool(item.alternatives) + [f"- {text}" for text in item.alternatives] + [""]
        )
    return "\n".join([*lines, f"**Total: {shown(guide.total)} marks**"])


def as_list(guide: Guide) -> str:
    lines = [guide.title, f"Total marks: {shown(guide.total)}"]
    for item in guide.items:
        lines += [
            f"{item.number}) {item.question} [{shown(item.max_score)}]",
            f"   Answer: {item.model_answer}",
        ]
        lines += ["   Mark scheme:"] * bool(item.criteria)
        lines += [f"   * {point.text} ({shown(point.marks)} marks)" for point in item.criteria]
        lines += [f"   Also accept: {'; '.join(item.alternatives)}"] * bool(item.alternatives)
    return "\n".join(lines)


def as_json(guide: Guide) -> str:
    items = [
        {
            "number": item.number,
            "question": item.question,
            "model_answer": item.model_answer,
            "max_score": item.max_score,
            "criteria": [{"text": point.text, "marks": point.marks} for point in item.criteria],
            "alternatives": list(item.alternatives),
        }
        for item in guide.items
    ]
    return json.dumps({"title": guide.title, "total": guide.total, "items": items})


def same(guide: Guide, text: str, media_type: str = "text/plain") -> None:
    read = parse_guide(Extraction(text, "test", media_type, 0.0, 1.0, "en"), "x.txt")
    assert read.problems == ()
    assert (read.title, read.stated_total) == (guide.title, guide.total)
    for got, wanted in zip(read.items, guide.items, strict=True):
        assert (got.number, got.question, got.model_answer) == (
            wanted.number,
            wanted.question,
            wanted.model_answer,
        )
        assert (got.max_score, got.criteria, got.alternatives) == (
            wanted.max_score, wanted.criteria, wanted.alternatives,
        )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(guides())
def test_a_guide_written_with_headings_is_read_back(guide: Guide) -> None:
    same(guide, as_headings(guide))


@settings(max_examples=150, deadline=None)
@given(guides())
def test_a_guide_written_as_a_list_is_read_back(guide: Guide) -> None:
    same(guide, as_list(guide))


@settings(max_examples=50, deadline=None)
@given(guides())
def test_a_guide_written_as_json_is_read_back(guide: Guide) -> None:
    same(guide, as_json(guide), "application/json")


@settings(max_examples=100, deadline=None)
@given(guides(), st.floats(0.25, 5).map(lambda x: round(x * 4) / 4 or 0.25))
def test_a_total_that_is_off_is_always_told(guide: Guide, off: float) -> None:
    text = as_list(guide).replace(
        f"Total marks: {shown(guide.total)}", f"Total marks: {shown(guide.total + off)}"
    )
    read = parse_guide(Extraction(text, "test", "text/plain", 0.0, 1.0, "en"), "x.txt")
    assert any(f"the guide states {shown(guide.total + off)}" in problem for problem in read.problems)


@st.composite
def papers(draw: st.DrawFn) -> tuple[Guide, Submission, str]:
    guide = draw(guides())
    line = draw(st.sampled_from(["Score: {s}/{m}", "Mark: {s}", "[{s}/{m}]", "**Awarded:** {s}"]))
    second = draw(st.booleans())
    label = draw(st.sampled_from(["Question {n}\n", "Q{n}: ", "{n}. ", "{n}) "]))
    lines, answers = ["Student: S7", f"Guide: {guide.title}", ""], []
    for item in guide.items:
        body = "\n".join(draw(st.lists(SENTENCE, min_size=0, max_size=3)))
        gold = draw(st.integers(0, 8)) / 8 * item.max_score
        other = draw(st.integers(0, 4)) / 4 * item.max_score if second else None
        lines.append(label.format(n=item.number) + body)
        lines.append(line.format(s=f"{gold:.3f}", m=shown(item.max_score)))
        lines += [f"Second marker: {other:.3f}"] if other is not None else []
        answers.append(Answer(item.number, body, round(gold, 3), None if other is None else round(other, 3)))
    return guide, Submission("S7", tuple(answers), guide.title), "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(papers(), st.booleans())
def test_a_graded_paper_is_read_back_and_meets_its_guide(
    case: tuple[Guide, Submission, str], knows: bool
) -> None:
    guide, paper, text = case
    numbers = [item.number for item in guide.items] if knows else None
    read = parse_submission(Extraction(text, "test", "text/plain", 0.0, 1.0, "en"), "x.txt", numbers)
    assert read.problems == ()
    assert (read.student, read.guide_title) == (paper.student, paper.guide_title)
    assert [(a.number, a.text, a.gold, a.second_gold) for a in read.answers] == [
        (a.number, a.text, a.gold, a.second_gold) for a in paper.answers
    ]
    aligned = align(read, guide)
    assert (len(aligned.matched), aligned.problems, aligned.missing) == (len(guide.items), (), ())


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(["1.", "(a)", "Q2", "[3]", "Total: 4", "Answer:", "x", "|", "\n", " ", "Score: 2"]),
        max_size=40,
    ).map(" ".join)
)
def test_no_text_makes_the_parsers_fail(text: str) -> None:
    extraction = Extraction(text, "test", "text/plain", 0.0, 1.0, "en")
    guide = parse_guide(extraction, "x.txt")
    paper = parse_submission(extraction, "x.txt", [item.number for item in guide.items])
    assert len(align(paper, guide).matched) <= len(paper.answers)
