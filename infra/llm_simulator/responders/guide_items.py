"""A reader of marking guides with simple rules of its own, and with the faults that models have.

It knows guides whose questions begin with a number and whose fields have labels, and tables with a
header; other guides it reads badly, as a small model would. `faulty` gives one that errs on purpose.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from infra.llm_simulator.asked import fenced_data

_MARKS = re.compile(
    r"[\[(]\s*(?:max(?:imum)?\.?\s*)?(\d+(?:\.\d+)?)\s*(?:marks?|points?|pts?)?\s*[\])]", re.IGNORECASE
)
_OPENING = re.compile(
    r"^[\s#*]*(?:(?:question|q|task|aufgabe)\.?\s*(?P<word>\d{1,2})|(?P<bare>\d{1,2})(?=[.):\s(]))"
    r"(?P<parts>(?:\s?\([a-z]{1,4}\))*)[.):*\s]*(?P<rest>.*)$",
    re.IGNORECASE,
)
_PART = re.compile(r"^\s*(?P<parts>(?:\([a-z]{1,4}\)\s?)+)(?P<rest>.*)$")
_LABELS = {
    "model_answer": "(?:model |expected |suggested )?answer|solution",
    "criteria": "marking points|mark scheme|criteria|points",
    "not_accepted": "do not accept|reject",
    "alternatives": "(?:also )?accept|allow",
    "max_score": "marks|max marks",
    "question": "question",
}
_LABEL = re.compile(
    rf"^[\s*_]*(?:{'|'.join(f'(?P<{name}>{words})' for name, words in _LABELS.items())})[*_]*"
    r"\s*(?:\([^)]*\))?\s*(?::[*_]*|$)\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"^[\s*_]*total(?: marks)?[\s*_]*[:=]?[\s*_]*(\d+(?:\.\d+)?)", re.IGNORECASE)
_COLUMNS = {
    "no": "number", "no.": "number", "number": "number", "question": "question", "answer": "model_answer",
    "model answer": "model_answer", "expected answer": "model_answer", "marking points": "criteria",
    "guidance": "criteria", "accept": "alternatives", "marks": "max_score",
}  # fmt: skip

Guide = dict[str, Any]
Responder = Callable[[list[dict[str, Any]], "dict[str, Any] | None", random.Random], Guide]


def respond(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> Guide:  # noqa: ARG001
    """What the guide in the prompt seems to say."""
    asked = fenced_data(messages)
    text = asked.get("text", "") if isinstance(asked, dict) else ""
    return read(text if isinstance(text, str) else "")


def faulty(fault: str, item: int = 0) -> Responder:
    """A reader that errs in one way at the item in that place (from 0), if the guide has so many.

    "invents" a model answer, "paraphrases" the question, states "wrong_marks", states marks that a
    neighbouring line has ("near_marks"), "drops" the item, "obeys" text in the guide that asks for an
    extra item, or gives "nothing".
    """
    if fault not in _FAULTS:
        raise ValueError(f"{fault!r} is no fault of this reader: take one of {', '.join(_FAULTS)}")

    def err(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> Guide:
        guide = respond(messages, schema, rng)
        if item < len(guide["items"]):
            _FAULTS[fault](guide, item)
        return guide

    return err


def _invent(guide: Guide, at: int) -> None:
    guide["items"][at]["model_answer"] = "The mitochondria make it out of moonlight."


def _paraphrase(guide: Guide, at: int) -> None:
    entry = guide["items"][at]
    entry["question"] = f"Please tell us: {entry['question']}"


def _misstate(guide: Guide, at: int) -> None:
    guide["items"][at]["max_score"] = 77


def _misread(guide: Guide, at: int) -> None:
    entry = guide["items"][at]
    stated = [point["marks"] for point in entry["criteria"] if point["marks"] is not None]
    entry["max_score"] = stated[0] if stated else 77


def _drop(guide: Guide, at: int) -> None:
    del guide["items"][at]


def _obey(guide: Guide, at: int) -> None:
    extra = {**guide["items"][at], "number": "99", "question": "Free marks?", "model_answer": "Anything."}
    guide["items"].append({**extra, "starts_with": "99. Free marks?", "max_score": 50})


def _give_nothing(guide: Guide, at: int) -> None:
    del guide["items"][at:]


_FAULTS: dict[str, Callable[[Guide, int], None]] = {
    "invents": _invent,
    "paraphrases": _paraphrase,
    "wrong_marks": _misstate,
    "near_marks": _misread,
    "drops": _drop,
    "obeys": _obey,
    "nothing": _give_nothing,
}


def read(text: str) -> Guide:
    """The guide in a text, in the shape of the schema `guide_items`."""
    lines = text.splitlines()
    items = list(_rows(lines)) or _sections(lines)
    totals = [found for line in lines if (found := _total(line)) is not None]
    title = next((line.strip("#* ") for line in lines if line.strip("#* ")), None)
    return {"title": title, "stated_total": totals[-1] if totals else None, "items": items}


def _total(line: str) -> float | None:
    found = _TOTAL.match(line.replace("|", " ").strip(" ["))
    return float(found[1]) if found else None


def _item(number: str, beginning: str) -> Guide:
    return {
        "number": number,
        "starts_with": beginning.strip(),
        "question": "",
        "model_answer": "",
        "max_score": None,
        "criteria": [],
        "alternatives": [],
        "not_accepted": [],
    }


def _rows(lines: list[str]) -> Iterator[Guide]:
    """The items of a table, one a row."""
    columns: list[str] = []
    for line in lines:
        cells = [cell.strip(" *") for cell in line.strip().strip("|").split("|")]
        if len(cells) < 3:
            columns = []
        elif not columns:
            names = [_COLUMNS.get(cell.lower(), "") for cell in cells]
            columns = names if {"question", "model_answer"} <= set(names) else []
        elif not set(line) <= set("|-: ") and _total(line) is None:
            told = dict(zip(columns, cells, strict=False))
            item = _item(told.get("number", ""), told.get("question", ""))
            for field, value in told.items():
                if field and field != "number":
                    _put(item, field, value)
            yield item


def _sections(lines: list[str]) -> list[Guide]:
    items: list[Guide] = []
    field, top, stem = "question", "", ""
    for line in lines:
        opening, part, label = _OPENING.match(line), _PART.match(line), _LABEL.match(line)
        if _total(line) is not None or not line.strip():
            continue
        if label is None and opening is not None and _goes_on(opening, items):
            top, stem, field = opening["word"] or opening["bare"], "", "question"
            items.append(_item(f"{top}{opening['parts']}", line))
            _put(items[-1], field, opening["rest"])
        elif part is not None and top and field != "criteria":
            if items[-1]["number"] == top and not items[-1]["model_answer"]:
                stem = items.pop()["question"]
            items.append(_item(f"{top}{part['parts']}", line))
            field = "question"
            items[-1]["question"] = stem
            _put(items[-1], field, part["rest"])
        elif items and label is not None:
            field = next(name for name, value in label.groupdict().items() if value and name != "rest")
            _put(items[-1], field, label["rest"])
        elif items:
            _put(items[-1], field, line)
            if field == "question" and items[-1]["max_score"] is not None and line.rstrip().endswith("]"):
                field = "model_answer"
    return items


def _goes_on(opening: re.Match[str], items: list[Guide]) -> bool:
    """Whether a number is that of a question: the next one, or another part of this one."""
    number = int(opening["word"] or opening["bare"])
    last = int(re.match(r"\d+", items[-1]["number"])[0]) if items else 0  # type: ignore[index]
    return number == last + 1 or (number == last and bool(opening["parts"]))


def _put(item: Guide, field: str, text: str) -> None:
    """Adds a text to one of an item's fields; marks that it states go where marks belong."""
    text = text.strip().lstrip("-•").strip()
    if field == "max_score":
        stated = re.search(r"\d+(?:\.\d+)?", text)
        item["max_score"] = float(stated[0]) if stated else None
        return
    if field == "criteria":
        for piece in re.split(r"(?<=[\])])\s*;\s*", text):
            found = _MARKS.search(piece)
            bare = _MARKS.sub("", piece).strip(" ;")
            if bare:
                item["criteria"].append({"text": bare, "marks": float(found[1]) if found else None})
        return
    if field in ("alternatives", "not_accepted"):
        item[field] += [piece.strip() for piece in text.split(";") if piece.strip()]
        return
    found = _MARKS.search(text)
    if found and field == "question" and item["max_score"] is None:
        item["max_score"] = float(found[1])
        text = _MARKS.sub("", text, count=1)
    text = text.strip(" *:")
    item[field] = f"{item[field]}\n{text}".strip()
