"""How the preparation of a dataset stands, noted for whoever looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from domain.errors import TrainyardError
from domain.kinds import Kind, Role
from infra import catalog as records
from tasks.outcome import DatasetFacts
from tasks.workplace import Workplace, workplace


@dataclass(frozen=True)
class Preparing:
    place: Workplace
    id: str

    def ready(self, facts: DatasetFacts) -> None:
        """Notes the dataset that came of it."""
        records.end_preparation(self.place.catalog, self.id, dataset_id=facts["id"])


@contextmanager
def preparing(kind: Kind, name: str, given: Mapping[Role, str]) -> Iterator[Preparing]:
    """Notes that a dataset is being prepared, and why that failed where it does.

    A run that was killed leaves it in processing; the same run again takes it up.
    """
    place = workplace()
    sources = {role.value: path for role, path in given.items()}
    preparation = Preparing(
        place, records.begin_preparation(place.catalog, place.settings.owner, name, kind, sources)
    )
    try:
        yield preparation
    except BaseException as error:
        # What went wrong first is what counts, also where the catalog is gone.
        with suppress(TrainyardError):
            records.end_preparation(place.catalog, preparation.id, error=_words(error))
        raise


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, TrainyardError) else f"{type(error).__name__}: {error}"
