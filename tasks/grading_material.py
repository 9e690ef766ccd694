"""From guides, submissions and tables to a dataset of graded answers."""

from __future__ import annotations

from collections.abc import Sequence

from domain.kinds import Kind, Role, Split
from infra import catalog as records
from infra.catalog import Dataset
from strategies.base import GradingData, Surroundings
from tasks.datasets import graded_facts, make_graded_dataset
from tasks.ingest import find_documents, ingest_documents
from tasks.materials import FileChunk, Wanted
from tasks.outcome import DatasetFacts, Ingested, PrepareOutcome, SecondReadings
from tasks.overview import prepared_documents
from tasks.parse import guides_of
from tasks.promise import promise_of
from tasks.workplace import Workplace


class GradingMaterial:
    """See `tasks.materials.Material`."""

    kind = Kind.GRADING

    def find(self, place: Workplace, role: Role, path: str, wanted: Wanted) -> list[FileChunk]:  # noqa: ARG002
        return find_documents(role.value, path)

    def ingest(self, place: Workplace, chunk: FileChunk) -> Ingested:  # noqa: ARG002
        return ingest_documents(chunk)

    def taken(self, place: Workplace, ingested: Sequence[Ingested], accept_doubtful: bool) -> list[str]:  # noqa: ARG002
        return guides_of(list(ingested), accept_doubtful=accept_doubtful)

    def make_dataset(
        self, place: Workplace, name: str, taken: list[str], protocol: str, seed: int, max_reject_share: float
    ) -> Dataset:
        return make_graded_dataset(place, name, taken, protocol, seed, max_reject_share)

    def facts(self, place: Workplace, dataset: Dataset) -> DatasetFacts:
        return graded_facts(place, dataset)

    def training_data(self, place: Workplace, dataset: Dataset, surroundings: Surroundings) -> GradingData:
        frames = records.dataset_frames(place.catalog, dataset.id)
        answers = frames.answers
        promised, tolerance = promise_of(place, dataset)
        usable = answers["split"].isin([Split.TRAIN, Split.VALIDATION]) & answers["gold"].notna()
        return GradingData(
            items=frames.items,
            answers=answers[usable].reset_index(drop=True),
            fingerprint=dataset.fingerprint,
            surroundings=surroundings,
            promised_agreement=promised,
            agreement_tolerance=tolerance,
        )

    def summary(
        self,
        place: Workplace,
        ingested: list[Ingested],
        facts: DatasetFacts,
        readings: SecondReadings | None,
    ) -> PrepareOutcome:
        return prepared_documents(place, ingested, facts, readings)
