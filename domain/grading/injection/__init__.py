"""Whether a student's answer talks to whoever marks it, instead of answering the question.

A finding sends the answer to a human; it never changes a mark. Patterns alone cannot stop an attacker
who knows them, so they stand beside walls in code: the score is added up here from points that carry a
quotation of the answer, a quotation of suspicious words is none (`evidence_counts`), and a model that credits
what cannot be earned, or marks that rest on nothing quoted, is not believed (`guarded`).
"""

from domain.grading.injection.detector import Suspicion, suspicion
from domain.grading.injection.evidence import evidence_counts
from domain.grading.injection.guard import guarded

__all__ = ["Suspicion", "evidence_counts", "guarded", "suspicion"]
