"""Models as versions in MLflow's model registry: a "model from code" over ONNX and JSON files.

A version is named by its content (files, card, code, requirements): registering the same again gives
the version that is there. A crash between logging and registering leaves a logged model without a
version, and the next attempt takes it up again. Nothing is pickled and no torch is needed to load.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import InputError
from domain.identity import fingerprint, hash_bytes, hash_file
from infra.mlflow_access import asking, quieten
from infra.model_forms import FORMS, ModelForm
from infra.tracking import Tracking

CONTENT_TAG = "trainyard.content"
CHAMPION = "champion"
_CHAMPIONS_TAG = "trainyard.earlier_champions"
_MOST_REMEMBERED = 50
_MODEL_URI = re.compile(r"(?:models:/)?(?P<name>[^@/:]+)(?:@(?P<alias>[\w-]+)|/(?P<number>\d+))")
_MAX_TAG_CHARS = 5000


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model. `metrics` are the last ones of the run that made it."""

    name: str
    version: int
    run_id: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True)
class ModelCode:
    """What of our code goes into a model.

    `entry` is a file that calls `mlflow.models.set_model`; `packages` are folders copied beside it, so
    that a model keeps the code it was evaluated with and needs no Trainyard where it is served.
    """

    entry: Path
    packages: tuple[Path, ...] = ()

    def digest(self) -> str:
        files = {self.entry.name: self.entry}
        for package in self.packages:
            files |= {f"{package.name}/{f.relative_to(package)}": f for f in package.rglob("*.py")}
        return fingerprint({name: hash_file(file) for name, file in files.items()})


class ModelRegistry:
    """The registry of `tracking`'s MLflow."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    def register(
        self,
        run_id: str,
        files: Mapping[str, bytes],
        card: Mapping[str, Any],
        *,
        name: str,
        form: ModelForm,
        code: ModelCode,
        tags: Mapping[str, str],
        example: pd.DataFrame | None = None,
        extra_requirements: Sequence[str] = (),
    ) -> ModelVersion:
        """The version of model `name` that holds `files`; made unless it is there. Sets no alias.

        `example` is a frame of one to a few rows of the input columns. `extra_requirements` are names
        of distributions, pinned to what is installed.
        """
        encodes = ["tokenizers"] if any("tokenizer" in file for file in files) else []
        requirements = _pinned([*form.requirements, *encodes, *extra_requirements])
        content = _content(files, card, code, requirements)
        with asking(self._tracking.tracking_uri):
            known = self._by_content(name, content)
            if known is not None:
                return known
            model_id = self._logged(run_id, name, content)
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "model"
                _save(folder, files, card, form, code, requirements, example, run_id, model_id)
                self._client.log_model_artifacts(model_id, str(folder))
            self._client.finalize_logged_model(model_id, "READY")
            return self._version(name, run_id, model_id, {**tags, CONTENT_TAG: content})

    def promote(self, name: str, version: int, alias: str = CHAMPION) -> None:
        """Points `alias` at `version`; from then on `models:/name@alias` is that version.

        Earlier champions are remembered in a tag of the model, see `earlier_champions`.
        """
        with asking(self._tracking.tracking_uri):
            if alias == CHAMPION:
                model = self._client.get_registered_model(name)
                before = model.aliases.get(alias)
                if before is not None and int(before) != version:
                    history = [*_history(model), int(before)][-_MOST_REMEMBERED:]
                    self._remember(name, history)
            self._client.set_registered_model_alias(name, alias, str(version))

    def earlier_champions(self, name: str) -> list[int]:
        """The versions that were champion before, oldest first."""
        with asking(self._tracking.tracking_uri):
            return _history(self._client.get_registered_model(name))

    def roll_back(self, name: str) -> int | None:
        """Makes the champion's predecessor champion again; its number, None where there is none left."""
        there = {version.version for version in self.versions(name)}
        with asking(self._tracking.tracking_uri):
            model = self._client.get_registered_model(name)
            now, history = model.aliases.get(CHAMPION), _history(model)
            while history:
                version = history.pop()
                if version in there and str(version) != now:
                    self._client.set_registered_model_alias(name, CHAMPION, str(version))
                    self._remember(name, history)
                    return version
        return None

    def _remember(self, name: str, history: list[int]) -> None:
        self._client.set_registered_model_tag(name, _CHAMPIONS_TAG, json.dumps(history))

    def champion(self, name: str, alias: str = CHAMPION) -> ModelVersion | None:
        """The version that `alias` points at; None where no such model or alias is there yet."""
        try:
            return self.find(f"models:/{name}@{alias}")
        except InputError:
            return None

    def find(self, model_uri: str) -> ModelVersion:
        """The version that "models:/name/3" or "models:/name@alias" means ("models:/" may be left out).

        Raises InputError where there is none.
        """
        match = _MODEL_URI.fullmatch(model_uri)
        if match is None:
            raise InputError(f"{model_uri!r} names no model: write models:/NAME@champion or models:/NAME/3")
        name, alias, number = match.group("name", "alias", "number")
        with asking(self._tracking.tracking_uri):
            if alias:
                return self._described(self._client.get_model_version_by_alias(name, alias))
            return self._described(self._client.get_model_version(name, number))

    def card(self, model_uri: str) -> dict[str, Any]:
        """What the strategy says of a version (`TrainedModel.card`); the model's files are not fetched."""
        quieten()
        from mlflow.artifacts import download_artifacts
        from mlflow.models import Model

        version = self.find(model_uri)
        uri = self._tracking.tracking_uri
        with asking(uri), tempfile.TemporaryDirectory() as scratch:
            place = self._client.get_model_version_download_uri(version.name, str(version.version))
            described = f"{place.rstrip('/')}/MLmodel"
            found = download_artifacts(artifact_uri=described, dst_path=scratch, tracking_uri=uri)
            return dict(Model.load(found).metadata or {})

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of `name`, newest first; empty for a name that is not registered."""
        with asking(self._tracking.tracking_uri):
            found = self._client.search_model_versions(
                f"name='{_quoted(name)}'", order_by=["version_number DESC"]
            )
            return [self._described(version) for version in found]

    def download_model(self, model_uri: str, folder: Path) -> Path:
        """Copies the model under `folder`; returns the folder in it with the ONNX and JSON files.

        Raises InputError where the registry has no such version.
        """
        quieten()
        from mlflow.artifacts import download_artifacts

        version = self.find(model_uri)
        folder.mkdir(parents=True, exist_ok=True)
        uri = self._tracking.tracking_uri
        with asking(uri):
            # By its place: download_artifacts looks models:/ up in the process's global MLflow.
            place = self._client.get_model_version_download_uri(version.name, str(version.version))
            found = download_artifacts(artifact_uri=place, dst_path=str(folder), tracking_uri=uri)
        return _artifact_folder(Path(found), model_uri)

    # -- parts ------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return self._tracking.client

    def _by_content(self, name: str, content: str) -> ModelVersion | None:
        found = self._client.search_model_versions(
            f"name='{_quoted(name)}' AND tags.`{CONTENT_TAG}`='{content}'", order_by=["version_number ASC"]
        )
        return self._described(found[0]) if found else None

    def _logged(self, run_id: str, name: str, content: str) -> str:
        """The id of this run's logged model with that content: one an earlier attempt left, or a new one."""
        from mlflow.entities import LoggedModelOutput

        run = self._client.get_run(run_id)
        experiment_id = run.info.experiment_id
        left = self._client.search_logged_models(
            [experiment_id], filter_string=f"tags.`{CONTENT_TAG}`='{content}' AND source_run_id='{run_id}'"
        )
        if left:
            return str(left[0].model_id)
        model = self._client.create_logged_model(
            experiment_id,
            name=_logged_name(name),
            source_run_id=run_id,
            tags={CONTENT_TAG: content},
            model_type="pyfunc",
        )
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id)

    def _version(self, name: str, run_id: str, model_id: str, tags: Mapping[str, str]) -> ModelVersion:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name,
            # Not models:/<id>, which the registry would look up in the process's global MLflow.
            source=self._client.get_logged_model(model_id).artifact_location,
            run_id=run_id,
            tags={key: str(value)[:_MAX_TAG_CHARS] for key, value in tags.items()},
            model_id=model_id,
        )
        return self._described(version)

    def _described(self, version: Any) -> ModelVersion:
        run = self._tracking.find_run(version.run_id) if version.run_id else None
        return ModelVersion(
            version.name,
            int(version.version),
            version.run_id or "",
            dict(version.tags),
            dict(run.data.metrics) if run else {},
        )


def _history(model: Any) -> list[int]:
    return [int(version) for version in json.loads(model.tags.get(_CHAMPIONS_TAG, "[]"))]


def _save(
    folder: Path,
    files: Mapping[str, bytes],
    card: Mapping[str, Any],
    form: ModelForm,
    code: ModelCode,
    requirements: list[str],
    example: pd.DataFrame | None,
    run_id: str,
    model_id: str,
) -> None:
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    payload = folder.parent / form.artifact
    payload.mkdir()
    for name, content in files.items():
        (payload / name).parent.mkdir(parents=True, exist_ok=True)
        (payload / name).write_bytes(content)
    save_model(
        folder,
        python_model=str(code.entry),
        artifacts={form.artifact: str(payload)},
        code_paths=[str(package) for package in code.packages] or None,
        signature=form.signature(),
        input_example=example,
        pip_requirements=requirements,
        metadata=json.loads(json.dumps(dict(card), default=str)),
        mlflow_model=Model(run_id=run_id, model_id=model_id, model_uuid=model_id),
    )


def _content(
    files: Mapping[str, bytes], card: Mapping[str, Any], code: ModelCode, requirements: list[str]
) -> str:
    return fingerprint(
        {
            "files": {name: hash_bytes(content) for name, content in files.items()},
            "card": json.loads(json.dumps(dict(card), default=str)),
            "code": code.digest(),
            "requirements": requirements,
        }
    )


def _pinned(names: Iterable[str]) -> list[str]:
    return sorted(f"{name}=={installed_version(name)}" for name in dict.fromkeys(names))


def _artifact_folder(model: Path, model_uri: str) -> Path:
    found = [model / "artifacts" / form.artifact for form in FORMS]
    folder = next((folder for folder in found if folder.is_dir()), None)
    if folder is None:
        told = " or ".join(f"artifacts/{form.artifact}" for form in FORMS)
        raise InputError(f"{model_uri} is not a model of Trainyard: it has no {told}")
    return folder


def _logged_name(name: str) -> str:
    # A logged model's name may hold none of these; a registered one may.
    return "".join("-" if character in "/:.%\"'" else character for character in name)


def _quoted(name: str) -> str:
    if "'" in name:
        raise InputError(f"the model name {name!r} has a quotation mark in it: choose another")
    return name
