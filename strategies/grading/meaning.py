"""How near an answer's meaning is to its question's, model answers' and marking points' meanings.

Only cosines are used: wide features of embeddings overfit to the items they were learnt on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from strategies.grading.features import Floats, Reference, stack_beside


def meaning_features(
    embed: Callable[[Sequence[str]], Floats],
    references: Mapping[str, Reference],
    item_ids: Sequence[str],
    texts: Sequence[str],
) -> tuple[list[str], Floats]:
    """Names and values (n answers, n features) by embeddings of unit length."""
    ids = sorted(set(item_ids))
    at = {item_id: row for row, item_id in enumerate(ids)}
    rows = np.array([at[item_id] for item_id in item_ids])
    answers = embed(texts)
    questions = embed([references[i].question for i in ids])[rows]
    asked = (answers * questions).sum(axis=1)
    columns = {"meaning of question": asked}

    model_answers, pairs = stack_beside([references[i].answers for i in ids], rows)
    others = embed(model_answers)[pairs.other]
    answer, question = answers[pairs.answer], questions[pairs.answer]
    near = (answer * others).sum(axis=1)
    new = (_without(answer, question) * _without(others, question)).sum(axis=1)
    columns |= {
        "meaning": pairs.highest(near),
        "meaning mean": pairs.mean(near),
        "meaning beyond question": pairs.highest(near) - asked,
        "meaning new": pairs.highest(new),
        "question to model answer": pairs.highest((question * others).sum(axis=1)),
    }
    points, pairs = stack_beside([references[i].points for i in ids], rows)
    near = (answers[pairs.answer] * embed(points)[pairs.other]).sum(axis=1)
    columns |= {
        "meaning of points mean": pairs.mean(near),
        "meaning of points highest": pairs.highest(near),
        "meaning of points lowest": pairs.lowest(near),
    }
    return list(columns), np.stack(list(columns.values()), axis=1).astype(np.float32)


def _without(rows: Floats, direction: Floats) -> Floats:
    """Unit rows less their part along `direction`, at unit length again."""
    left = rows - (rows * direction).sum(axis=1, keepdims=True) * direction
    return np.asarray(left / (np.linalg.norm(left, axis=1, keepdims=True) + 1e-9))
