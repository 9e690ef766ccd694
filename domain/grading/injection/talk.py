"""Talk of marking: how much a stretch of text speaks of marks, markers and this answer, not the subject.

Whoever answers a question about plants or packets has no reason to name markers, marks, the scheme and
the answer itself in one breath. No one word is a sign; several of these ideas close together are, and
less so where the question speaks of them itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from domain.grading.injection.clauses import Word
from domain.grading.injection.signs import Sign

WEIGHTS: Mapping[str, float] = {
    "marks": 0.3, "points": 0.15, "full marks": 0.35, "full points": 0.2, "ratio": 0.3, "marker": 0.4,
    "school": 0.2, "machine": 0.3, "this answer": 0.3, "student": 0.2, "judging": 0.25, "approving": 0.2,
    "scheme": 0.35, "override": 0.25, "orders": 0.25, "right": 0.15, "prior": 0.1, "pretence": 0.25,
    "stake": 0.2, "stakes": 0.15, "example": 0.15, "any": 0.1, "fields": 0.3, "command": 0.2,
    "please": 0.15, "must": 0.1, "you": 0.15, "me": 0.15,
}  # fmt: skip
AIMED = frozenset({"this answer", "student", "command", "you", "me", "ratio"})
"""Ideas that turn talk about marking in general into talk to somebody, or about this very answer."""
CORE = frozenset(
    {"marks", "full marks", "full points", "ratio", "marker", "scheme", "judging", "machine", "fields"}
)
"""Of these a stretch must name one, the others only lend weight; one alone needs more weight."""
_LONE = 0.85
_CORE_TOGETHER = (
    {"orders", "override", "prior"},
    {"points", "stake", "me"},
    {"approving", "stake", "me"},
    {"this answer", "approving"},
)
"""Ideas that make a core only together."""
NEEDED = 0.75
"""The sum of distinct ideas from which a stretch is a sign."""
_UNAIMED = 0.65
_EXCUSED = 0.34
_REACH = 30
_LONGEST = 40
"""Letters of a word that may name an idea."""
_STEP = 10

_ASSESSMENT = frozenset(
    {
        "marks",
        "points",
        "full marks",
        "full points",
        "marker",
        "school",
        "student",
        "judging",
        "scheme",
        "right",
        "approving",
        "example",
        "stake",
        "stakes",
        "any",
        "must",
        "ratio",
    }
)
_MODELS = frozenset(
    {"machine", "orders", "override", "prior", "pretence", "fields", "any", "right", "command"}
)
_SUBJECTS = (
    (
        re.compile(r"assess|grading|\bgrades?\b|\bmarks?\b|scor(e|ing)|rubric|\bexam|bewertung|\bnoten?\b"),
        _ASSESSMENT,
    ),
    (
        re.compile(
            r"\bai\b|artificial intell|language model|chatbot|\bprompt|instruction|\bcommand|\borders?\b"
        ),
        _MODELS,
    ),
)
_MARKS_OF_THE_QUESTION = re.compile(r"[\[(]\s*\d{1,3}\s*(marks?|points?|punkte?|p|pts)?\s*[\])]")

_IDEAS = {
    "marks": r"""marks|marked|scor(e|es|ed|ing)|grades?|graded|credit|credited|punktzahl|bestnote|noten|
        bewertung|punkten?|punktabzug|puntuacion|puntaje|calificacion|nota|notas|puntos?|punteggio|voto|
        pontuacao|pontos|cijfer""",
    "points": r"points?|mark|criterion|ticks?|percent|%|maximum|max|maximale?|hochste",
    "marker": r"""examiners?|graders?|markers?|assessors?|evaluators?|autograder|moderators?|invigilator|
        reviewers?|korrektor(in)?|pruf(er|erin|ern|ers)|bewerter|correct(eur|rice|or|ora)|examinateurs?|examinador(a|es)?|
        evaluador|correttore|esaminatore|encourager|corrige""",
    "school": r"""teachers?|professors?|tutors?|headmaster|headteacher|departments?|board|developers?|
        administrators?|admin|lehrer(in)?|schulleitung|enseignante?|professeure?|profesora?|school|
        university|supervisor|committee|exams?|pruf(ung|ungsamt)|examen|script""",
    "machine": r"ai|llms?|gpt|chatgpt|chatbot|assistant|\w*bot|sprachmodell|ki|ia|openai|claude|gemini|"
    r"automatic",
    "judging": r"""deserv(e|es|ed|ing)|award(s|ed|ing)?|earn(s|ed|ing)?|deduct(s|ed|ing|ion|ions)?|
        tick(s|ed|ing)?|lenient|lenience|generous|merits?|merited|assess(ed|ing|ment)?|grading|marking|
        evaluat(e|ed|ion)|credited|rate|rated|granted?|
        verdient|bewert(e|en|et|ung)|vergib|vergeben|erteil\w*|gepruft|
        merite|accord(e|er|ez)|attribu(e|er|ez)|califi\w+|otorg\w+|merece|assegna\w*|conced\w+""",
    "approving": r"""approv(e|es|ed|al)|accept(s|ed|ing)?|pass(es|ed|ing)?|satisf(y|ies|ied)|meets?|met|
        fulfil\w*|confirm(s|ed|ing)?|reward(s|ed)?|verified|reviewed|checked|erfullt|erhalt|rempli\w*|cumple\w*|
        bestehen""",
    "scheme": r"""rubrics?|criteri(a|on|os)|markscheme|bewertungs\w+|kriterien|erwartungshorizont|bareme|
        criteres|rubrica|musterlosung|benchmark""",
    "override": r"""ignor(e|ed|iere|ieren|iert|ez|er|a|ar|ate|ing)|disregard(ed|ing)?|forget|
        overrid(e|es|den)|bypass|overrul(e|ed)|skip|discard|cancel\w*|supersed\w*|vergiss|vergessen|oubli(e|ez|er)|
        olvid(a|e|ar)|dimentica\w*|suspend\w*|waived?|invalid|outdated|lifted|revoked|exempt\w*|stop""",
    "orders": r"""instructions?|prompts?|guidelines?|directives?|directions?|rules?|policy|policies|commands?|
        anweisung(en)?|vorgaben|regeln|consignes?|instrucci(on|ones)|reglas|istruzioni|instrucoes|task|override""",
    "please": r"please|kindly|bitte|veuillez|merci|thanks|danke|gracias",
    "must": r"must|should|shall|soll|sollte|debe|doit|need",
    "you": r"you|your|du|dein|deine|sie|vous|votre|vos|tu|usted",
    "me": r"me|my|mine|mich|mir|moi|mi",
    "right": r"""correct|correctly|completely|mastered|covered|perfect|perfectly|flawless|fully|richtig|
        korrekt|vollstandig|correct(e|o|a|es|amente)|parfaite?|perfect[ao]|excellent|excellence|outstanding|
        entire|totalmente""",
    "prior": r"above|previous|earlier|prior|before|preceding|vorherig\w+|obig\w+|precedentes?|anterior(es)?",
    "pretence": r"pretend|imagine|suppose|role|roleplay|game|simulate|mode|demonstration|persona|grandmother",
    "stake": r"""scholarship|beg|begging|mercy|lawyer|expelled|desperate|tip|dollars|fail|failing|harmed|sue|
        complain|stipendium|anwalt|bourse|beca|deported|hospital|fired|replaced|shut|sorry|kindest|illness|ill""",
    "example": r"examples?|samples?|reference|calibration|specimen|beispiel|exemple|ejemplo",
    "any": r"all|any|every|each|everything|alle|alles|tous|toutes|tout|todas?|todos?|tutti|jede[nrs]?|"
    r"whatever|always",
    "fields": r"earned|confidence|ticks|json|output|quote",
}  # fmt: skip
_COMPILED = tuple((name, re.compile(re.sub(r"\s", "", pattern))) for name, pattern in _IDEAS.items())
_ANSWERS = re.compile(
    r"answers?|responses?|submission|script|attempt|reply|essay|copie|antwort|respuesta|reponse|"
    r"abgabe|losung|risposta|resposta|antwoord|work|one|candidate|student|estudiante|eleve|etudiant|schuler(in)?"
)
_STUDENTS = re.compile(r"student|candidate|eleve|schuler(in)?|estudiante|etudiant")
_POINTERS = frozenset(
    [
        "this",
        "these",
        "my",
        "such",
        "any",
        "every",
        "dieser",
        "diese",
        "diesen",
        "cette",
        "esta",
        "este",
        "questa",
        "essa",
        "meine",
        "ma",
        "mi",
        "deze",
        "our",
        "all",
    ]
)
_FULL = re.compile(
    r"full|maximum|max|all|every|highest|top|perfect|best|volle[nr]?|hochste[nr]?|maximale[nr]?|tous|toute|totale?|"
    r"maxim[ao]s?|massimo|todos|mas|alle"
)
_WISHES = re.compile(
    r"need|want|would|deserve|beg|expect|demand|am|have|should|brauche|mochte|flehe|bitte|voudrais"
)
_VERBS = frozenset({"override", "give", "emit", "deem"})


@lru_cache(maxsize=65_536)
def _ideas_of(word: str) -> frozenset[str]:
    return frozenset(name for name, pattern in _COMPILED if pattern.fullmatch(word))


def subjects_of(question: str) -> frozenset[str]:
    """The ideas that belong to what a question is about, and are no sign in answers to it."""
    said = _MARKS_OF_THE_QUESTION.sub(" ", question)
    named = {idea for word in re.findall(r"[^\W_]+", said) for idea in _ideas_of(word)} - AIMED
    for pattern, ideas in _SUBJECTS:
        if pattern.search(said):
            named |= ideas
    return frozenset(named)


def signs_in_talk(words: Sequence[Word], excused: frozenset[str]) -> Iterator[Sign]:
    """At most one sign for every stretch of 30 words."""
    found = [_ideas_at(words, here) for here in range(len(words))]
    for first in range(0, max(len(words) - _REACH, 0) + _STEP, _STEP):
        places = [here for here in range(first, min(first + _REACH, len(words))) if found[here]]
        ideas = {idea for here in places for idea in found[here]}
        if len({words[here].text for here in places if "stake" in found[here]}) > 1:
            ideas.add("stakes")
        total = _total(ideas, excused)
        core = len(ideas & CORE) + sum(pair <= ideas for pair in _CORE_TOGETHER)
        if len(ideas) >= 3 and core and total >= (NEEDED if core > 1 else _LONE):
            weight = min(0.7 + 0.5 * (total - NEEDED), 0.95)
            yield Sign("talk", weight, words[places[0]].start, words[places[-1]].end)


def _total(ideas: set[str], excused: frozenset[str]) -> float:
    if "override" in ideas and not ideas & {"orders", "scheme", "prior", "marker"}:
        ideas = ideas - {"override"}
    total = sum(WEIGHTS[idea] * (_EXCUSED if idea in excused else 1.0) for idea in ideas)
    return round(total * (1.0 if ideas & AIMED else _UNAIMED), 3)


def _ideas_at(words: Sequence[Word], here: int) -> set[str]:
    word = words[here].text
    ideas = set(_ideas_of(word)) if len(word) <= _LONGEST else set()
    before = words[here - 1].text if here else ""
    if _ANSWERS.fullmatch(word) and before in _POINTERS:
        ideas.add("this answer")
    elif _STUDENTS.fullmatch(word) and before in ("the", "der", "die", "l", "le", "el"):
        ideas.add("student")
    if (word == "above" and before in ("the", "answer")) or (word == "oben" and before == "antwort"):
        ideas.add("this answer")
    if before in ("i", "ich", "je") and _WISHES.fullmatch(word):
        ideas.add("me")
    if before == "language" and word == "model":
        ideas.add("machine")
    after = words[here + 1].text if here + 1 < len(words) else ""
    if word == "bitte" and (before == "ich" or after in ("um", "darum", "ich")):
        # "Ich bitte um ..." tells of asking.
        ideas.discard("please")
    if word == "note" and before in ("la", "meilleure", "une"):
        ideas.add("marks")
    if (before == "marking" and word in ("point", "points", "scheme", "guide", "criteria")) or (
        before,
        word,
    ) == ("mark", "scheme"):
        ideas.add("scheme")
    if ideas & {"marks", "points"} and any(_FULL.fullmatch(w.text) for w in words[max(here - 4, 0) : here]):
        ideas.add("full marks" if "marks" in ideas else "full points")
    if word.isdigit() and (
        before == word
        or (before in ("of", "von", "sur", "de", "su") and here > 2 and word == words[here - 3].text)
    ):
        ideas.add("ratio")
    if before == "you" and word == "are" and here + 1 < len(words) and words[here + 1].text in ("now", "no"):
        ideas.add("pretence")
    opens = words[here].opens or before in ("and", "then", "now", "please", "und", "et", "y")
    if opens and (
        words[here].classes & _VERBS
        or word in ("do", "don't", "never", "be", "apply", "have", "let", "follow", "stop")
    ):
        ideas.add("command")
    return ideas
