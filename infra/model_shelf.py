"""All registered models: what there is, other names, and what is no longer wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.errors import InputError
from infra.mlflow_access import asking
from infra.tracking import Tracking


@dataclass(frozen=True)
class ShelvedVersion:
    """A version of a registered model; `aliases` are those that point at it."""

    name: str
    version: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    run_id: str
    model_id: str
    created: datetime


class ModelShelf:
    """The registered models of `tracking`'s MLflow."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def versions(self, name: str = "") -> list[ShelvedVersion]:
        """Of all models, or of one; by name, the newest first. Raises InputError for an unknown name."""
        with asking(self._tracking.tracking_uri):
            models = [self._model(name)] if name else self._all_models()
            return [version for model in models for version in self._of(model)]

    def rename(self, name: str, new_name: str) -> None:
        """Raises InputError where there is no such model, or the new name is taken or no name."""
        if not new_name.strip() or set(new_name) & set("/:@'\"%"):
            raise InputError(f"{new_name!r} cannot be a model's name: leave out / : @ % and quotation marks")
        with asking(self._tracking.tracking_uri):
            self._model(name)
            if any(model.name == new_name for model in self._all_models()):
                raise InputError(f"there is a model {new_name} already: choose another name, or delete it")
            self._client.rename_registered_model(name, new_name)

    def delete_version(self, version: ShelvedVersion) -> None:
        """The version and what was logged for it; its run with all figures stays."""
        with asking(self._tracking.tracking_uri):
            self._client.delete_model_version(version.name, str(version.version))
            self._forget(version)

    def delete_model(self, name: str) -> None:
        """The model with all its versions; their runs stay."""
        versions = self.versions(name)
        with asking(self._tracking.tracking_uri):
            self._client.delete_registered_model(name)
            for version in versions:
                self._forget(version)

    # -- parts ------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return self._tracking.client

    def _forget(self, version: ShelvedVersion) -> None:
        if version.model_id:
            self._client.delete_logged_model(version.model_id)

    def _all_models(self) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = self._client.search_registered_models(max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda model: model.name)

    def _model(self, name: str) -> Any:
        models = self._all_models()
        for model in models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in models) or "none: run trainyard pipeline"
        raise InputError(f"there is no model {name!r}. There is: {known}")

    def _of(self, model: Any) -> list[ShelvedVersion]:
        found = self._client.search_model_versions(f"name='{model.name}'", order_by=["version_number DESC"])
        # Only the model itself tells its aliases in every version of MLflow.
        aliases = self._client.get_registered_model(model.name).aliases
        return [
            ShelvedVersion(
                name=model.name,
                version=int(one.version),
                aliases=tuple(sorted(a for a, number in aliases.items() if int(number) == int(one.version))),
                tags=dict(one.tags),
                run_id=one.run_id or "",
                model_id=getattr(one, "model_id", None) or "",
                created=datetime.fromtimestamp(one.creation_timestamp / 1000, UTC),
            )
            for one in found
        ]
