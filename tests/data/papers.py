"""What the guides of the ground-truth set say: papers with known numbers, marks and points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Part:
    """An item. `levels` is ("1", "b", "ii"); `rule` rules the points ("any three from")."""

    levels: tuple[str, ...]
    question: str
    points: tuple[str, ...]
    marks: float
    rule: str = ""
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    guidance: str = ""
    objective: str = "AO1"
    codes: tuple[str, ...] = ()
    """Of the marks, one each: M1, A1, B1."""

    @property
    def number(self) -> str:
        return "".join(self.levels)

    @property
    def answer(self) -> str:
        return "; ".join(self.points)

    @property
    def each(self) -> float:
        """What a point is worth; 0 where the points do not share the marks evenly."""
        n = len(self.points)
        if self.rule:
            return 1.0
        return self.marks / n if n and (self.marks / n) in (0.5, 1.0, 2.0) else 0.0


@dataclass(frozen=True)
class Paper:
    """`stated` is the total that is printed; a paper balances where it is the sum, and so are questions'."""

    title: str
    parts: tuple[Part, ...]
    stated: float
    slip: tuple[str, float] = ("", 0.0)
    """A question, and by how much its printed total is wrong."""

    @property
    def total(self) -> float:
        return sum(part.marks for part in self.parts)

    @property
    def balances(self) -> bool:
        return abs(self.total - self.stated) < 1e-6 and not self.slip[1]

    def questions(self) -> Iterator[tuple[str, list[Part]]]:
        for top in dict.fromkeys(part.levels[0] for part in self.parts):
            yield top, [part for part in self.parts if part.levels[0] == top]

    def sum_of(self, top: str) -> float:
        """A question's total as it is printed."""
        own = sum(part.marks for part in self.parts if part.levels[0] == top)
        return own + (self.slip[1] if self.slip[0] == top else 0.0)

    def slipped(self, top: str, marks: float) -> Paper:
        """The same with a question's total that is wrong."""
        return replace(self, slip=(top, marks))

    def off_by(self, marks: float) -> Paper:
        """The same with a total that is wrong."""
        return replace(self, stated=self.stated + marks)


def _paper(title: str, *parts: Part) -> Paper:
    return Paper(title, parts, sum(part.marks for part in parts))


BIOLOGY = _paper(
    "Biology Paper 1 Mark Scheme",
    Part(
        ("1", "a"),
        "State the function of mitochondria.",
        ("site of aerobic respiration", "releases energy"),
        2,
        accept=("produces ATP",),
        reject=("creates energy",),
    ),
    Part(("1", "b", "i"), "Name the green pigment in leaves.", ("chlorophyll",), 1, reject=("chloroplast",)),
    Part(
        ("1", "b", "ii"),
        "Explain why plants kept in the dark lose mass.",
        (
            "no light so no photosynthesis",
            "no glucose is made",
            "respiration goes on",
            "stored starch is used up",
        ),
        3,
        rule="any three from:",
        guidance="Ignore references to temperature.",
        objective="AO2",
    ),
    Part(
        ("1", "c"),
        "Calculate the magnification.",
        ("40 mm ÷ 0.1 mm", "× 400"),
        2,
        guidance="400 with no working gains 2 marks. Allow ecf from incorrect conversion.",
        objective="AO2",
    ),
    Part(
        ("2", "a"),
        "Describe how the kidneys keep the water content of the blood constant.",
        (
            "hypothalamus detects the water content",
            "pituitary releases ADH",
            "kidney tubules become more permeable",
            "more water is reabsorbed",
        ),
        4,
        accept=("collecting ducts for kidney tubules",),
    ),
    Part(
        ("2", "b"),
        "Give one reason why protein is not found in urine.",
        ("molecules are too large to be filtered",),
        1,
    ),
    Part(
        ("3",),
        "Evaluate the use of stem cells in medicine.",
        (
            "can replace damaged cells",
            "no rejection if from the patient",
            "risk of infection or cancer",
            "ethical objections to embryos",
            "expensive",
            "reasoned conclusion",
        ),
        6,
        objective="AO3",
    ),
)

MATHS = _paper(
    "Mathematics Paper 2 Mark Scheme",
    Part(
        ("1", "a"),
        "Work out 15 % of 600.",
        ("600 × 15 ÷ 100", "90"),
        2,
        codes=("M1", "A1"),
        guidance="oe",
    ),
    Part(("1", "b"), "Write 0.7 as a fraction.", ("7/10",), 1, codes=("B1",), guidance="oe"),
    Part(
        ("2",),
        "Solve 3x + 4 = 25.",
        ("3x = 25 − 4", "x = 21 ÷ 3", "x = 7"),
        3,
        codes=("M1", "M1", "A1"),
        guidance="M1 ft their 21",
    ),
    Part(
        ("3", "a", "i"),
        "Write down the next term.",
        ("17",),
        1,
        codes=("B1",),
        guidance="cao",
    ),
    Part(
        ("3", "a", "ii"),
        "Find the nth term.",
        ("3n + c", "3n + 2"),
        2,
        codes=("M1", "A1"),
        guidance="isw",
        objective="AO1.3b",
    ),
    Part(
        ("3", "b"),
        "Is 100 in the sequence? Give a reason.",
        ("3n + 2 = 100", "98 is no multiple of 3, so no"),
        2,
        codes=("M1", "A1"),
        guidance="dep on M1",
        objective="AO2.1a",
    ),
    Part(
        ("4",),
        "Find the size of the angle.",
        ("180 − 2 × 35", "110"),
        2,
        codes=("M1", "A1"),
        guidance="SC1 for 145",
    ),
)

COMPUTING = _paper(
    "Computing end of unit test",
    Part(
        ("1",),
        "What is a variable?",
        ("a named place in memory", "whose value can change"),
        2,
    ),
    Part(("2",), "Convert 1011 to denary.", ("11",), 1),
    Part(
        ("3",),
        "Explain why a binary search is faster than a linear search.",
        ("halves the list each time", "fewer comparisons", "needs a sorted list"),
        3,
    ),
    Part(
        ("4",),
        "Give two advantages of high-level languages.",
        ("easier to read", "portable", "quicker to write"),
        2,
        rule="any two from:",
    ),
    Part(("5",), "Name the device that joins two networks.", ("router",), 1, accept=("gateway",)),
    Part(
        ("6",),
        "Describe what happens in the fetch stage.",
        ("address is copied to the MAR", "instruction is copied to the MDR"),
        1,
    ),
)

PAPERS = (BIOLOGY, MATHS, COMPUTING)
