"""Whether a student's answer talks to whoever marks it, instead of answering the question.

A finding sends the answer to a human; it never changes a mark. Patterns alone cannot stop an attacker
who knows them, so they stand beside walls in code: the score is added up here from points that carry a
quotation of the answer, and a quotation of suspicious words is none (`evidence_counts`).
"""

from domain.grading.injection.detector import Suspicion, suspicion
from domain.grading.injection.evidence import evidence_counts

__all__ = ["Suspicion", "evidence_counts", "suspicion"]
