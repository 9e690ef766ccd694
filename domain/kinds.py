"""The two kinds of work, and the roles that a document can have in them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    GRADING = "grading"
    VISION = "vision"


class Role(StrEnum):
    """What a document is for. One file can serve in one role only."""

    GUIDE = "guide"
    SUBMISSION = "submission"
    ANSWERS = "answers"
    """A tidy table of graded answers (CSV or JSONL)."""
    IMAGES = "images"
    """An archive of labelled pictures."""


ROLES = {
    Kind.GRADING: (Role.GUIDE, Role.SUBMISSION, Role.ANSWERS),
    Kind.VISION: (Role.IMAGES,),
}
"""What each kind is given."""


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Protocol(StrEnum):
    """What a held-out answer is held out *from*."""

    UNSEEN_ANSWERS = "unseen_answers"
    """Other students' answers to items the model was trained on."""
    UNSEEN_ITEMS = "unseen_items"
    """Answers to items of which the model saw no graded answer."""
