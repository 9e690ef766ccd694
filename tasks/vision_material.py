"""From an archive of labelled pictures to a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from domain.kinds import Kind, Role, Split
from domain.vision.images import Shape
from infra import catalog as records
from infra.catalog import Dataset
from strategies.base import Surroundings, VisionData
from tasks.materials import FileChunk, Wanted
from tasks.outcome import DatasetFacts, Ingested, PrepareOutcome, SecondReadings
from tasks.picture_sets import make_picture_dataset, pictures_of, shape_words, source_of
from tasks.pictures import find_pictures, ingest_pictures
from tasks.workplace import Workplace

_TRAINED_ON = ("row", "image_id", "path", "class_name", "label", "split", "group")


class VisionMaterial:
    """See `tasks.materials.Material`."""

    kind = Kind.VISION

    def find(self, place: Workplace, role: Role, path: str, wanted: Wanted) -> list[FileChunk]:  # noqa: ARG002
        return find_pictures(place, path, wanted)

    def ingest(self, place: Workplace, chunk: FileChunk) -> Ingested:
        return ingest_pictures(place, chunk)

    def taken(self, place: Workplace, ingested: Sequence[Ingested], accept_doubtful: bool) -> list[str]:  # noqa: ARG002
        return sorted({tensor_id for part in ingested for tensor_id in part["document_ids"]})

    def make_dataset(
        self,
        place: Workplace,
        name: str,
        taken: list[str],
        protocol: str,  # noqa: ARG002
        seed: int,
        max_reject_share: float,
    ) -> Dataset:
        return make_picture_dataset(place, name, taken, seed, max_reject_share)

    def facts(self, place: Workplace, dataset: Dataset) -> DatasetFacts:
        told = dataset.facts
        splits = ", ".join(f"{n} {name}" for name, n in told["splits"].items())
        shape = shape_words(Shape(told["size"], told["channels"]))
        near = f"; {told['near_copies']} near copies kept together" if told["near_copies"] else ""
        return DatasetFacts(
            id=dataset.id,
            kind=dataset.kind.value,
            summary=f"{dataset.n_answers} pictures of {dataset.n_items} classes ({splits}), {shape}{near}",
            name=dataset.name,
            fingerprint=dataset.fingerprint,
            protocol=dataset.protocol,
            n_items=dataset.n_items,
            n_answers=dataset.n_answers,
            n_students=0,
            splits=told["splits"],
            set_aside=told["set_aside"],
            n_blank=0,
            promise=[place.settings.promised_accuracy],
        )

    def training_data(self, place: Workplace, dataset: Dataset, surroundings: Surroundings) -> VisionData:
        images_path, rows, classes = pictures_of(place, dataset)
        seen = rows[rows["split"] != Split.TEST]
        return VisionData(
            images_path=images_path,
            rows=seen[list(_TRAINED_ON)].reset_index(drop=True),
            classes=classes,
            fingerprint=dataset.fingerprint,
            surroundings=surroundings,
            promised_accuracy=place.settings.promised_accuracy,
        )

    def summary(
        self,
        place: Workplace,
        ingested: list[Ingested],
        facts: DatasetFacts,
        readings: SecondReadings | None,
    ) -> PrepareOutcome:
        kept = records.quarantined(place.catalog, place.settings.owner, [source_of(facts["name"])])
        # Refused files are listed as such already.
        kept = kept[kept["check"] != "is_a_sound_picture"]
        shown = ["contract", "source", "row", "column", "check", "value"]
        return PrepareOutcome(
            ingested=ingested,
            formats={part["role"]: {} for part in ingested},
            near_duplicates=[],
            guides=[],
            unparsed=[],
            quarantine=kept[shown].astype(str).to_dict("records"),
            second_readings=readings,
            dataset=facts,
        )
