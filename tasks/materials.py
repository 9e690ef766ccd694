"""What the kinds of work differ in on the way from files to a dataset, and to what training reads of it.

Flows and tasks are the same for all kinds; where a step has to know the kind, it asks the kind's `Material`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, Protocol, TypedDict

from domain.errors import InputError
from domain.kinds import ROLES, Kind, Role
from infra.catalog import Dataset
from strategies.base import Surroundings
from tasks.outcome import DatasetFacts, Ingested, PrepareOutcome, SecondReadings
from tasks.workplace import Workplace


class FileChunk(TypedDict):
    """A part of what was given: `names` are files below `root`, or places in the archive `root`; `n_total`
    of them are in all chunks.

    The names are one JSON text, because Prefect looks into each element of a list, several times. `pack` or
    `archive` is the key of what was put into the store for a worker that does not see `root`
    (tasks.carrying).
    """

    role: str
    root: str
    names: str
    n_total: int
    pack: NotRequired[str]
    archive: NotRequired[str]


class Wanted(TypedDict):
    """How pictures shall be decoded; 0 leaves the choice to what they are."""

    size: int
    channels: int


class Material(Protocol):
    """The steps of one kind. All may be repeated: what is known is not done again."""

    kind: Kind

    def find(self, place: Workplace, role: Role, path: str, wanted: Wanted) -> list[FileChunk]:
        """What is at `path`, in chunks worth a task each. Raises InputError where nothing is."""

    def ingest(self, place: Workplace, chunk: FileChunk) -> Ingested:
        """Reads a chunk, each content once."""

    def taken(self, place: Workplace, ingested: Sequence[Ingested], accept_doubtful: bool) -> list[str]:
        """Ids of what a dataset is made of, given what was ingested."""

    def make_dataset(
        self, place: Workplace, name: str, taken: list[str], protocol: str, seed: int, max_reject_share: float
    ) -> Dataset:
        """The dataset, checked and split without leaks; made once for the same content."""

    def facts(self, place: Workplace, dataset: Dataset) -> DatasetFacts: ...

    def training_data(self, place: Workplace, dataset: Dataset, surroundings: Surroundings) -> Any:
        """The dataset as the kind's strategies see it: train and validation, never the test split."""

    def summary(
        self,
        place: Workplace,
        ingested: list[Ingested],
        facts: DatasetFacts,
        readings: SecondReadings | None,
    ) -> PrepareOutcome:
        """What became of everything that was given."""


def material_of(kind: Kind | str) -> Material:
    # Imported when asked for: they import the tasks that ask.
    from tasks.grading_material import GradingMaterial
    from tasks.vision_material import VisionMaterial

    materials: dict[Kind, Any] = {Kind.GRADING: GradingMaterial(), Kind.VISION: VisionMaterial()}
    material: Material = materials[Kind(kind)]
    return material


def kind_of(roles: Sequence[Role]) -> Kind:
    """The kind that files in these roles are for; grading where none are given.

    Raises InputError for files of two kinds.
    """
    kinds = {kind for kind, its_roles in ROLES.items() if set(its_roles) & set(roles)}
    if len(kinds) > 1:
        raise InputError(
            "Pictures and texts were given, which make two datasets: give them to two runs of "
            "`trainyard prepare`"
        )
    return next(iter(kinds), Kind.GRADING)
