"""The papers in the formats of other programs, and in our own; numbers are positions where it has none."""

from __future__ import annotations

import html
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from papers import Paper, Part


@dataclass(frozen=True)
class Format:
    write: Callable[[Paper], str | bytes]
    suffix: str
    numbered: bool
    """Whether it keeps the items' numbers."""


def moodle(paper: Paper) -> str:
    def question(part: Part) -> str:
        grader = html.escape("\n".join(part.points))
        return (
            f'<question type="essay"><name><text>{part.number}</text></name>'
            f'<questiontext format="html"><text><![CDATA[<p>{html.escape(part.question)}</p>]]></text>'
            f"</questiontext><defaultgrade>{part.marks:.7f}</defaultgrade>"
            f'<graderinfo format="html"><text>{grader}</text></graderinfo></question>'
        )

    return f'<?xml version="1.0"?>\n<quiz>{"".join(map(question, paper.parts))}</quiz>'


def canvas(paper: Paper) -> str:
    questions = [
        {
            "question_type": "essay_question",
            "question_text": f"<p>{html.escape(part.question)}</p>",
            "points_possible": part.marks,
            "answers": [],
            "neutral_comments": "\n".join(part.points),
        }
        for part in paper.parts
    ]
    return json.dumps(
        {"quiz": {"title": paper.title, "points_possible": paper.stated}, "questions": questions}
    )


def notebook(paper: Paper) -> str:
    cells = []
    for part in paper.parts:
        graded = {"grade": True, "solution": True, "points": part.marks, "grade_id": f"q{part.number}"}
        cells += [
            {"cell_type": "markdown", "metadata": {}, "source": [part.question]},
            {"cell_type": "markdown", "metadata": {"nbgrader": graded}, "source": ["\n".join(part.points)]},
        ]
    return json.dumps({"nbformat": 4, "cells": cells})


def gift(paper: Paper) -> str:
    """Every question is worth a mark, as importers have it."""

    def escaped(text: str) -> str:
        return "".join(f"\\{c}" if c in "~=#{}:" else c for c in text)

    questions = [
        f"::{part.number}:: {escaped(part.question)} {{={escaped(part.answer)}}}" for part in paper.parts
    ]
    return "\n\n".join(questions) + "\n"


def qti_package(paper: Paper) -> bytes:
    """QTI 2.2: an XML an item, in the order of the manifest."""
    stream = io.BytesIO()
    names = [f"item-{part.number}.xml" for part in paper.parts]
    with zipfile.ZipFile(stream, "w") as archive:
        resources = "".join(f'<resource href="{name}"/>' for name in names)
        archive.writestr("imsmanifest.xml", f"<manifest>{resources}</manifest>")
        for name, part in zip(names, paper.parts, strict=True):
            archive.writestr(name, _qti_item(part))
    return stream.getvalue()


def _qti_item(part: Part) -> str:
    return (
        '<?xml version="1.0"?>\n<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" '
        f'identifier="i{part.number}" title="{part.number}">'
        '<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="string"><correctResponse>'
        f"<value>{html.escape(part.answer)}</value></correctResponse></responseDeclaration>"
        '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" '
        f'normalMaximum="{part.marks:g}"/><itemBody><p>{html.escape(part.question)}</p>'
        '<extendedTextInteraction responseIdentifier="RESPONSE"/></itemBody></assessmentItem>'
    )


def own_json(paper: Paper) -> str:
    return json.dumps(_fields(paper), ensure_ascii=False)


def own_yaml(paper: Paper) -> str:
    import yaml

    return str(yaml.safe_dump(_fields(paper), allow_unicode=True, sort_keys=False))


def _fields(paper: Paper) -> dict[str, object]:
    items = [
        {
            "number": part.number,
            "question": part.question,
            "model_answer": part.answer,
            "max_score": part.marks,
            "alternatives": list(part.accept),
            "not_accepted": list(part.reject),
        }
        for part in paper.parts
    ]
    return {"title": paper.title, "total": paper.stated, "items": items}


FORMATS: dict[str, Format] = {
    "moodle": Format(moodle, ".xml", numbered=False),
    "gift": Format(gift, ".txt", numbered=False),
    "qti": Format(qti_package, ".zip", numbered=False),
    "canvas": Format(canvas, ".json", numbered=False),
    "nbgrader": Format(notebook, ".ipynb", numbered=False),
    "own": Format(own_json, ".json", numbered=True),
    "ownyaml": Format(own_yaml, ".yaml", numbered=True),
}
STATES_TOTAL = ("canvas", "own", "ownyaml")
