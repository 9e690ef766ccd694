"""How surely answers without question numbers meet their items, on papers of real students' answers.

    python benchmarks/unnumbered.py [--data ../shared/data] [--papers 200]

Data: SemEval-2013 Task 7 (SciEntsBank, Beetle) and Short Answer Feedback (ACL 2022), in the tidy form that
the data folder's README describes. A paper takes 3 to 10 items (7 of 10 papers: items that stand together
in the data, and so are alike in subject) and a random real answer to each; an item in eight is left
out, an answer of two sentences is at times two paragraphs, and 3 papers of 10 begin with a greeting. Nothing
is scored or numbered. "In order" gives the n-th paragraph to the n-th item. The weights of
`domain.grading.ordering` were fitted on other such papers of the same data (seed 0, here 1).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from domain.documents.extraction import Extraction
from domain.grading.records import Guide, Item, Submission
from domain.grading.unnumbered import read_unnumbered

FILES = {
    "SciEntsBank": "scientsbank_2way",
    "Beetle": "beetle_2way",
    "SAF English": "saf_english",
    "SAF German": "saf_german",
}
GREETINGS = (
    "Dear teacher, I hope this is fine.",
    "Physics homework, Tuesday",
    "I ran out of time at the end.",
)


@dataclass
class Question:
    text: str
    references: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Paper:
    """`truth` are the answers by item number, as a reader should give them."""

    guide: Guide
    paragraphs: tuple[str, ...]
    truth: dict[str, str]


def questions(path: Path) -> list[Question]:
    found: dict[str, Question] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            question = found.setdefault(row["question_id"], Question(row["question"]))
            if row["reference_answer"] not in question.references:
                question.references.append(row["reference_answer"])
            answer = " ".join(row["answer"].split())
            # "No response" is a blank answer, which is nobody's to place.
            if len(answer) > 2 and not re.match(
                r"no (?:response|submission|answer)\b", answer, re.IGNORECASE
            ):
                question.answers.append(answer)
    return list(found.values())


def make_paper(known: list[Question], chance: random.Random) -> Paper:
    n = min(chance.randint(3, 10), len(known))
    start = chance.randrange(len(known) - n + 1)
    chosen = known[start : start + n] if chance.random() < 0.7 else chance.sample(known, n)
    items = tuple(
        Item(str(i), q.text, q.references[0], 1.0, alternatives=tuple(q.references[1:4]))
        for i, q in enumerate(chosen, 1)
    )
    paragraphs = [chance.choice(GREETINGS)] if chance.random() < 0.3 else []
    truth = {}
    for item, question in zip(items, chosen, strict=True):
        if chance.random() < 0.12:
            continue
        answer = chance.choice(question.answers)
        at = answer.find(". ") + 1
        parts = [answer[:at], answer[at:].strip()] if at and chance.random() < 0.3 else [answer]
        paragraphs += parts
        truth[item.number] = "\n\n".join(parts)
    return Paper(Guide("Paper", items), tuple(paragraphs), truth)


def bare(answer: str) -> str:
    """Without the number of a list's entry at its start, which a paper's reader takes off."""
    return re.sub(r"^\W*\d{1,2}\s?[.):]\s*", "", answer)


def measure(papers: list[Paper]) -> dict[str, float]:
    """Shares of all true answers, but `right_of_sure`, of those that were taken without doubt."""
    n: Counter[str] = Counter()
    for paper in papers:
        extraction = Extraction("\n\n".join(paper.paragraphs), "made", "text/plain", 0.0, 1.0, "en")
        read = read_unnumbered(extraction, "paper.txt", Submission("student", ()), paper.guide)
        answers = {answer.number: answer for answer in read.answers}
        n["in_order"] += sum(paper.truth.get(str(i)) == text for i, text in enumerate(paper.paragraphs, 1))
        n["answers"] += len(paper.truth)
        right = {i for i, a in answers.items() if bare(a.text) == bare(paper.truth.get(i, ""))}
        n["right"] += len(right)
        for number, answer in answers.items():
            n["sure"] += not answer.doubt
            n["sure_right"] += not answer.doubt and number in right
    return {
        "n_answers": n["answers"],
        "in_order": n["in_order"] / n["answers"],
        "right": n["right"] / n["answers"],
        "sure": n["sure"] / n["answers"],
        "right_of_sure": n["sure_right"] / max(n["sure"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--papers", type=int, default=200)
    asked = parser.parse_args()
    chance = random.Random(1)
    results = {}
    print("whole answers        n   in order   right   taken without doubt   right of these")
    for name, file in FILES.items():
        known = questions(asked.data / "grading" / f"{file}.csv.gz")
        found = measure([make_paper(known, chance) for _ in range(asked.papers)])
        results[name] = {key: round(value, 4) for key, value in found.items()}
        print(
            f"{name:14} {found['n_answers']:8} {found['in_order']:10.1%} {found['right']:7.1%} "
            f"{found['sure']:21.1%} {found['right_of_sure']:16.1%}"
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
