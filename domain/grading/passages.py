"""A paper's text in passages, each of which belongs to one item: what is between blank lines or scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from domain.grading.scores_notation import has_score, read_total_score, take_scores

_Parts = Callable[[str, str], bool]
"""Whether a passage ends between two lines."""

_RULE = re.compile(r"^[\s\-_=*#~.]{3,}$")
_SENTENCE_ENDS = re.compile(r"[.!?;:)\]\"”’]\s*$")
_SENTENCE_BEGINS = re.compile(r"^\s*[A-ZÄÖÜ\"“(]")


@dataclass
class Passage:
    """Lines of a paper, its scores' lines included. `line` counts from 1. `opens`: a new answer begins."""

    line: int
    lines: list[str] = field(default_factory=list)
    opens: bool = False
    scored: bool = False

    @property
    def text(self) -> str:
        """The words alone, without scores and remarks."""
        return "\n".join(take_scores(self.lines).lines).strip()


def cut_passages(lines: Sequence[str], first_line: int = 1) -> list[Passage]:
    """The passages of `lines`, of which the first is line `first_line` of its document.

    Where answers are scored, what is between two scores is one passage, since nobody scores half an
    answer. Else blank lines part passages, and, in a text without any, lines that end with a sentence.
    """
    content = [
        (n, line)
        for n, line in enumerate(lines, first_line)
        if not read_total_score(line) and not _RULE.match(line)
    ]
    if _scored_throughout([line for _, line in content]):
        return list(_between_scores(content))
    found = list(_between(content, lambda _before, line: not line.strip()))
    if len(found) == 1:
        found = list(_between(content, lambda before, line: _sentences_part(before, line)))
    return found


def _scored_throughout(lines: Sequence[str]) -> bool:
    """Whether there are several scores, each below or behind its answer, and nothing is left unscored."""
    told = [(has_score([line]), _says_something(line)) for line in lines]
    told = [(scores, says) for scores, says in told if scores or says]
    if sum(scores for scores, _ in told) < 2:
        return False
    first_says, last_scores = told[0][1], told[-1][0]
    return first_says and last_scores


def _says_something(line: str) -> bool:
    return any(kept.strip() for kept in take_scores([line]).lines)


def _between_scores(content: Sequence[tuple[int, str]]) -> Iterator[Passage]:
    passage: Passage | None = None
    closed = False
    for n, line in content:
        scores, says = has_score([line]), _says_something(line)
        # A second marker's score and remarks below a score still belong to the answer above.
        if closed and says:
            if passage:
                yield passage
            passage, closed = None, False
        if passage is None:
            if not line.strip():
                continue
            passage = Passage(n, opens=True)
        passage.lines.append(line)
        closed = closed or scores
        passage.scored = passage.scored or scores
    if passage:
        yield passage


def _between(content: Sequence[tuple[int, str]], parts: _Parts) -> Iterator[Passage]:
    passage: Passage | None = None
    before = ""
    for n, line in content:
        if passage is not None and parts(before, line):
            yield passage
            passage = None
        before = line
        if not line.strip():
            continue
        if passage is None:
            passage = Passage(n)
        passage.lines.append(line)
        passage.scored = passage.scored or has_score([line])
    if passage:
        yield passage


def _sentences_part(before: str, line: str) -> bool:
    return bool(_SENTENCE_ENDS.search(before) and _SENTENCE_BEGINS.match(line))
