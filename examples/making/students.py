"""Invented students: how able each is, how each writes, and what each says to a question."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

from .bank import Point, Question, worded

_NAMES = (
    "Amara Okafor", "Ben Whitlock", "Chiara Fontane", "Dilan Aksoyer", "Ewa Zielinska-Moor",
    "Farid Hamidzai", "Grace Pemberwell", "Hugo Lindqvar", "Isla McTavin", "Jonas Bergholt",
    "Keiko Tanabara", "Liam Oduyale", "Maya Ravindran", "Noor Al-Khatim", "Oscar Vandermeel",
    "Priya Chandrel", "Quentin Marlow", "Rosa Delmonte", "Samir Boukhari", "Tilda Ashgrove",
    "Umar Sheikhan", "Vera Kolarova", "William Thackley", "Ximena Pardo", "Yusuf Demirtan",
    "Zoe Hartnell", "Aidan Corrigall", "Bianca Moretz", "Callum Prestow", "Daria Ivanchen",
    "Elias Nyberg", "Fatou Ndiayeh", "George Ellery", "Hana Yoshimor", "Ivan Petrukh",
    "Jasmine Cole-Abara", "Kwame Boatengo", "Lucy Fairbrook", "Mateo Guillen", "Nadia Rahmanova",
    "Owen Gryffin", "Paula Steinkamp", "Ravi Menonkar", "Selma Dursuner", "Theo Blanchet",
    "Ulla Sorgen", "Viktor Halasz", "Wanda Pruszko", "Xavier Lobato", "Yara Haddoud",
    "Zander Kopje", "Alba Quirosa", "Bruno Tassell", "Cleo Amankwa", "Devika Nairun",
    "Emil Sandvoss", "Freya Lockhardt", "Gabor Szentes", "Helena Vouk", "Idris Lamontay",
)  # fmt: skip
_NEWCOMERS = (
    "Robin Castellar", "Sofia Lindholt", "Tomas Havrelka", "Una Brannock", "Victor Osei-Mills",
    "Wren Holloway",
)  # fmt: skip

_HESITATIONS = ("I think", "maybe", "um", "basically", "I'm not sure but", "I would say", "in my opinion")
_JOINS = (". ", ". ", ". ", ". ", " and ", " and ", ", and ", ", ", ". Also ", ". Then ", "; ")
_JOINED_ALREADY = ("so ", "and ", "because ", "then ", "to ", "with ", "this ")
_SHORTENED = {
    "because": "cos", "and": "&", "with": "w/", "carbon dioxide": "CO2", "oxygen": "O2",
    "different": "diff", "temperature": "temp", "government": "gov", "something": "sth",
    "without": "w/o", "people": "ppl",
}  # fmt: skip
_MISSPELT = {
    "photosynthesis": "photosynthisis", "acceleration": "acelleration", "receives": "recieves",
    "their": "there", "definitely": "definatly", "temperature": "temprature",
    "environment": "enviroment", "separate": "seperate", "government": "goverment",
    "resistance": "resistence", "concentration": "consentration", "catalyst": "catylist",
    "respiration": "resperation", "because": "becuase", "particles": "particals",
    "sediment": "sedament", "address": "adress", "factories": "factorys", "machines": "mashines",
    "energy": "enegry", "erodes": "errodes",
}  # fmt: skip


@dataclass(frozen=True)
class Student:
    """`ability` is about standard normal; the habits are chances per place where they can show."""

    name: str
    number: str
    ability: float
    typos: float
    shortens: float
    hesitates: float
    wordiness: float
    lower_case: bool
    full_stops: bool

    @property
    def label(self) -> str:
        return f"{self.name} ({self.number})"


@dataclass(frozen=True)
class Said:
    """What a student said on one marking point: the phrase and whether it is right, partial or wrong."""

    point: int
    level: str
    phrase: str


@dataclass(frozen=True)
class Written:
    """An answer as it stands on the paper, and what it says."""

    text: str
    said: tuple[Said, ...]


def classroom(seed: str) -> tuple[Student, ...]:
    """The students whose papers were graded."""
    return tuple(_student(name, f"S{i:03d}", seed) for i, name in enumerate(_NAMES, start=1))


def newcomers(seed: str) -> tuple[Student, ...]:
    """The students whose papers nobody has graded yet."""
    return tuple(_student(name, f"S{i}", seed) for i, name in enumerate(_NEWCOMERS, start=101))


def _student(name: str, number: str, seed: str) -> Student:
    chance = random.Random(f"{seed}/student/{number}")
    return Student(
        name=name,
        number=number,
        ability=chance.gauss(0.0, 1.0),
        typos=chance.choice((0.0, 0.0, 0.005, 0.01, 0.015, 0.025)),
        shortens=chance.choice((0.0, 0.0, 0.0, 0.1, 0.5)),
        hesitates=chance.choice((0.0, 0.05, 0.1, 0.3)),
        wordiness=chance.uniform(0.0, 1.0),
        lower_case=chance.random() < 0.25,
        full_stops=chance.random() < 0.8,
    )


def write(student: Student, question: Question, seed: str) -> Written:
    """The student's answer to the question; the same seed gives the same answer."""
    chance = random.Random(f"{seed}/answer/{student.number}/{question.question}")
    said = [s for i, point in enumerate(question.points) for s in _on_point(i, point, student, chance)]
    if not said:
        point = chance.randrange(len(question.points))
        said = [Said(point, "wrong", chance.choice(question.points[point].wrong))]
    if chance.random() < 0.3:
        chance.shuffle(said)
    phrases = [s.phrase for s in said]
    for _ in range(_number_of_asides(student, chance)):
        phrases.insert(chance.randint(0, len(phrases)), chance.choice(question.noise))
    phrases = list(dict.fromkeys(phrases))
    return Written(_composed([worded(p, chance) for p in phrases], student, chance), tuple(said))


def _on_point(index: int, point: Point, student: Student, chance: random.Random) -> list[Said]:
    """What is said on one point. Later points are harder; right and wrong together is a contradiction."""
    mastery = 1 / (1 + math.exp(-(5.0 * student.ability + 1.0 - 0.6 * index + chance.gauss(0, 0.3))))
    if chance.random() < mastery:
        said = [Said(index, "right", _popular(point.right, chance))]
        if chance.random() < 0.1:
            said.append(Said(index, "right", chance.choice(point.right)))
        if chance.random() < 0.01:
            said.append(Said(index, "wrong", chance.choice(point.wrong)))
        return said
    level = chance.choices(("partial", "wrong", ""), (0.12, 0.16, 0.72))[0]
    if not level:
        return []
    return [Said(index, level, _popular(getattr(point, level), chance))]


def _popular(phrases: tuple[str, ...], chance: random.Random) -> str:
    """One of the phrases; a class says most things as it was taught, so the first are commonest."""
    return chance.choices(phrases, [1 / rank**4 for rank in range(1, len(phrases) + 1)])[0]


def _number_of_asides(student: Student, chance: random.Random) -> int:
    return sum(chance.random() < 0.04 + 0.12 * student.wordiness for _ in range(2))


def _composed(phrases: list[str], student: Student, chance: random.Random) -> str:
    text = phrases[0]
    if chance.random() < student.hesitates:
        text = f"{chance.choice(_HESITATIONS)} {text}"
    for phrase in phrases[1:]:
        joined = phrase.startswith(_JOINED_ALREADY)
        text += chance.choice((" ", ", ") if joined else _JOINS) + phrase
    text = _in_own_hand(text, student, chance)
    if not student.lower_case:
        text = re.sub(r"(^|\. )([a-z])", lambda found: found[1] + found[2].upper(), text)
    return text + ("." if student.full_stops else "")


def _in_own_hand(text: str, student: Student, chance: random.Random) -> str:
    for long, short in _SHORTENED.items():
        if chance.random() < student.shortens:
            text = re.sub(rf"\b{long}\b", short, text)
    for correct, wrong in _MISSPELT.items():
        if chance.random() < 12 * student.typos:
            text = re.sub(rf"\b{correct}\b", wrong, text)
    return re.sub(r"[A-Za-z]{4,}", lambda found: _slipped(found[0], student.typos, chance), text)


def _slipped(word: str, typos: float, chance: random.Random) -> str:
    """The word with a slip of the pen: two letters swapped, or one left out or doubled."""
    if chance.random() >= typos * 2:
        return word
    at = chance.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    left_out = word[:at] + word[at + 1 :]
    doubled = word[:at] + word[at] + word[at:]
    return chance.choice((swapped, left_out, doubled))
