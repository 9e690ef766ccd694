"""Everything that a report of a grading job is made from, as one record that is plain JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic import JsonValue, TypeAdapter
from pydantic_core import PydanticSerializationError

from domain.contracts import Rejection
from domain.frames import Frame
from domain.grading.evaluation import Evaluation
from domain.grading.language_model_use import LanguageModelSection
from domain.grading.written_text import WrittenText
from domain.json_records import read_json
from domain.reports.job import Choice, Duplicate, JobFacts, Problem, Timing


@dataclass(frozen=True)
class DocumentCount:
    """How many documents of a role and media type were read by which method."""

    role: str
    media_type: str
    method: str
    n: int


@dataclass(frozen=True)
class NearDuplicate:
    """Two texts that are almost the same; `similarity` is in [0, 1]."""

    first: str
    second: str
    similarity: float


@dataclass(frozen=True)
class DataSection:
    """What the job was given, and what became of it."""

    n_items: int
    n_answers: int
    n_students: int
    splits: dict[str, int]
    """Answers by split."""
    fingerprint: str
    n_blank: int = 0
    n_unscored: int = 0
    """Answers that no human scored, of all splits."""
    n_quarantined: int = 0
    """Rows that failed a contract; `quarantine` may show only the first of them."""
    documents: tuple[DocumentCount, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
    quarantine: tuple[Rejection, ...] = ()
    unreadable: tuple[Problem, ...] = ()
    """Files that could not be read or parsed."""
    unbalanced: tuple[Problem, ...] = ()
    """Guides with problems that were left out."""
    doubtful: tuple[Problem, ...] = ()
    """Guides with problems that were trained on all the same, since somebody asked for it."""
    """Guides whose marks do not add up; they are not trained on."""


@dataclass(frozen=True, eq=False)
class ReportInput:
    """See the module's docstring."""

    title: str
    job: JobFacts
    strategy: str
    data: DataSection
    iterations: Frame
    """Contract Iterations: one row an iteration, with the strategy's metrics as further columns."""
    evaluation: Evaluation
    objective: str = "qwk"
    """The column of `iterations` that decides which iteration is best; larger is better."""
    choices: tuple[Choice, ...] = ()
    hyperparameters: dict[str, JsonValue] = field(default_factory=dict)
    """The final values."""
    timings: tuple[Timing, ...] = ()
    language_models: LanguageModelSection | None = None
    """None where none was asked."""
    written: WrittenText | None = None
    """What a language model wrote about the figures; None where none was asked to."""

    def to_json(self) -> str:
        """Plain JSON; NaN is null, and what UTF-8 cannot say in a file's name is a question mark."""
        try:
            return _ADAPTER.dump_json(self).decode()
        except PydanticSerializationError:
            described = json.dumps(_ADAPTER.dump_python(self, mode="json"), ensure_ascii=False)
            sayable = described.encode("utf-8", "replace").decode()
            return json.dumps(json.loads(sayable, parse_constant=lambda _: None), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> ReportInput:
        """What `to_json` wrote. Raises InputError for anything else."""
        return read_json(_ADAPTER, text, "a report's input", "make it again")


_ADAPTER = TypeAdapter(ReportInput)
