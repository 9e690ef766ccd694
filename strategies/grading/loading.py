"""The grader in a folder of model files, whichever strategy trained it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from domain.errors import InputError
from domain.language_models import AskModel
from strategies.grading.grader import Grader, RemoteEmbedder, load_grader
from strategies.grading.llm.grader import LlmGrader, load_llm_grader
from strategies.grading.llm.model import PROGRAM
from strategies.grading.model_files import DESCRIPTION

AnyGrader: TypeAlias = Grader | LlmGrader
"""Both have `grade`, `threshold`, `unseen_threshold` and `model.items` (item_id, max_score, reference)."""


def load_any_grader(
    folder: Path, embed: RemoteEmbedder | None = None, ask: AskModel | None = None
) -> AnyGrader:
    """The grader whose files are in `folder`.

    `embed` serves a model of remote embeddings, `ask` one that asks a language model. Raises InputError
    when the folder holds no grader, or one that asks and `ask` is None.
    """
    if (folder / DESCRIPTION).is_file() or not (folder / PROGRAM).is_file():
        return load_grader(folder, embed)
    if ask is None:
        raise InputError(f"{folder} holds a grader of strategy llm: say which language model it may ask")
    return load_llm_grader(folder, ask)
