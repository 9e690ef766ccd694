"""Folders that hold one student's work: which of the given files they are, and what becomes of them.

A folder's files become one *bundle*: one document, named by the folder. Files called after questions
("q1.txt", "2b.docx") are the answers to these; other files are the pages of one paper, in the order of
their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from domain.documents.extraction import Extraction, Table
from domain.grading.identities import identity_of
from domain.grading.numbering import WORDS, normalise_number
from domain.grading.records import Answer, Submission
from domain.grading.scores_notation import read_total_score
from domain.grading.segments import lines_of
from domain.grading.submissions import (
    checked,
    is_header,
    parse_submission,
    read_answer,
    read_header,
    settled,
)

MEDIA_TYPE = "application/vnd.trainyard.bundle+json"
_MARK = "a student's files"
_ITEM_FILE = re.compile(
    rf"^(?P<word>(?:{WORDS}|answer|ans|part)s?)?[\s_.-]*\d{{1,3}}[\s_.(-]*"
    r"(?P<part>[a-z])?[\s_.()-]*(?:[ivx]{1,4})?[)]?$",
    re.IGNORECASE,
)
_MOODLE = re.compile(r"_\d+_assignsubmission_(?:file|onlinetext)_?$")


@dataclass(frozen=True)
class Bundle:
    """A student's files, each as it was read. `student` is the folder's name."""

    student: str
    names: tuple[str, ...]
    parts: tuple[Extraction, ...]

    @property
    def by_item(self) -> bool:
        """Whether each file is the answer to the question that it is called after."""
        return all(_ITEM_FILE.match(_stem(name)) for name in self.names)

    def extraction(self) -> Extraction:
        """The bundle as one document, whose text `read_bundle` reads."""
        files = [
            {
                "name": name,
                "media_type": part.media_type,
                "text": part.text,
                "tables": [table.rows for table in part.tables],
            }
            for name, part in zip(self.names, self.parts, strict=True)
        ]
        fields = {"about": _MARK, "student": self.student, "files": files}
        return replace(
            self.parts[0],
            text=json.dumps(fields, ensure_ascii=False, indent=1),
            media_type=MEDIA_TYPE,
            method="+".join(dict.fromkeys(part.method for part in self.parts)),
            seconds=sum(part.seconds for part in self.parts),
            quality=min(part.quality for part in self.parts),
            tables=(),
            n_pages=None,
            notes=tuple(
                f"{n}: {note}" for n, p in zip(self.names, self.parts, strict=True) for note in p.notes
            ),
        )

    def whole(self) -> Extraction:
        """The files as the pages of one document."""
        return replace(
            self.parts[0],
            text="\n\n".join(part.text for part in self.parts),
            tables=tuple(table for part in self.parts for table in part.tables),
        )


def student_folders(names: Sequence[str], root: str) -> dict[str, list[str]]:
    """The files of each student's folder, by the folder; files that are in no such folder are left out.

    `names` are paths relative to the folder `root`, itself "" in the result. A folder is a student's if its
    files are called after questions. If there is nothing but folders, and most of them hold one file
    or such files, all of them are students'.
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(str(PurePosixPath(name).parent), []).append(name)
    loose = folders.pop(".", [])
    if loose and all(_is_clear(name) for name in loose) and root and not folders:
        return {"": loose}
    plain = [folder for folder, held in folders.items() if len(held) == 1 or all(map(_is_item_file, held))]
    if not loose and len(folders) > 1 and 2 * len(plain) > len(folders):
        return folders
    return {folder: held for folder, held in folders.items() if all(map(_is_clear, held))}


def student_of(folder: str, root: str) -> str:
    """The student that a folder is named after, without what Moodle adds."""
    return _MOODLE.sub("", PurePosixPath(folder).name if folder else root).strip()


def stated_students(parts: Sequence[Extraction]) -> frozenset[str]:
    """Those whom the files name themselves in a header."""
    return frozenset(student for part in parts if (student := identity_of(part).student))


def read_bundle(extraction: Extraction) -> Bundle | None:
    """The student's files that a document holds, None for any other document."""
    if extraction.media_type not in (MEDIA_TYPE, "application/json") or _MARK not in extraction.text[:200]:
        return None
    fields = json.loads(extraction.text)
    if fields.get("about") != _MARK:
        return None
    files = fields["files"]
    parts = tuple(
        replace(
            extraction,
            text=file["text"],
            media_type=file["media_type"],
            tables=tuple(Table(tuple(map(tuple, rows))) for rows in file["tables"]),
        )
        for file in files
    )
    return Bundle(fields["student"], tuple(file["name"] for file in files), parts)


def parse_bundle(bundle: Bundle, name: str, numbers: Sequence[str] | None) -> Submission:
    """The paper in a bundle, as `parse_submission` has it. A student whom the files name goes before the
    folder's name."""
    stated = stated_students(bundle.parts)
    student = next(iter(stated)) if len(stated) == 1 else bundle.student
    if not bundle.by_item:
        return replace(parse_submission(bundle.whole(), name, numbers), student=student)
    problems: list[str] = []
    answers = []
    titles = [""]
    totals: list[float] = []
    for file, part in zip(bundle.names, bundle.parts, strict=True):
        number = normalise_number(_stem(file))
        lines = lines_of(part.text)
        titles.append(read_header(lines, file).guide_title)
        totals += [found[0] for line in lines if (found := read_total_score(line))]
        answers.append(_answer(number, file, part, problems))
    title = next((title for title in titles if title), "")
    total = totals[-1] if totals else None
    paper = Submission(student, tuple(answers), title, total, tuple(problems))
    return checked(settled(paper), numbers)


def _answer(number: str, file: str, part: Extraction, problems: list[str]) -> Answer:
    """The answer that a file consists of; its number may stand above it once more."""
    inner = parse_submission(part, file, [number])
    if [answer.number for answer in inner.answers] == [number]:
        return replace(inner.answers[0], place=file)
    body = [line for line in lines_of(part.text) if not is_header(line)]
    return read_answer(number, ["", *body], file, problems)


def _stem(name: str) -> str:
    return PurePosixPath(name).stem.strip()


def _is_item_file(name: str) -> bool:
    return _ITEM_FILE.match(_stem(name)) is not None


def _is_clear(name: str) -> bool:
    """Whether a file can only be called after a question: "1.txt" may be the first student's."""
    found = _ITEM_FILE.match(_stem(name))
    return found is not None and bool(found["word"] or found["part"])
