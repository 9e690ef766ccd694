"""How items and answers of the catalog become frames under their contracts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import aliased

from infra.catalog import tables
from infra.catalog.writing import Query

GuideParse = aliased(tables.Parse, name="guide_parse")

_ITEM = ("item_id", "guide", "number", "question", "model_answer", "max_score", "criteria", "alternatives",
         "not_accepted", "guidance", "guide_id", "place", "page", "confidence")  # fmt: skip
_ANSWER = ("answer_id", "item_id", "student", "text", "max_score", "gold", "second_gold", "guide_id")
_SCORES = ("max_score", "gold", "second_gold")


def item_query() -> Query:
    """Items with their guide's parse."""
    i, p = tables.Item, GuideParse
    return select(
        i.id, p.title, i.number, i.question, i.model_answer, i.max_score, i.criteria, i.alternatives,
        i.not_accepted, i.guidance, i.document_id, i.place, i.page, i.confidence,
    ).join(p, p.id == i.parse_id)  # fmt: skip


def item_frame(rows: Iterable[Any]) -> pd.DataFrame:
    """Rows of `item_query` under contract `Items`, plus guide_id, place, page and confidence."""
    return pd.DataFrame([tuple(row) for row in rows], columns=list(_ITEM)).astype({"max_score": float})


def answer_query(*more: Any) -> Query:
    """Answers with their item, submission and the item's guide's parse, and the columns `more`."""
    a, i, s = tables.Answer, tables.Item, tables.Submission
    columns = (a.id, i.id, s.student, a.text, i.max_score, a.gold, a.second_gold, i.document_id)
    return (
        select(*columns, *more)
        .select_from(a)
        .join(i, i.id == a.item_id)
        .join(s, s.id == a.submission_id)
        .join(GuideParse, GuideParse.id == i.parse_id)
    )


def answer_frame(rows: Iterable[Any], *more: str) -> pd.DataFrame:
    """Rows of `answer_query` under contract `Answers`, plus guide_id and the columns named `more`."""
    frame = pd.DataFrame([tuple(row) for row in rows], columns=[*_ANSWER, *more])
    return frame.astype(dict.fromkeys(_SCORES, float))
