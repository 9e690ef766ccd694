"""MLflow runs: parameters, metrics per iteration, artifacts, inputs, and how a run ends.

A run's id is made once, kept by the caller and passed down; nothing here searches for a run, and
nothing touches MLflow's global "active run". Every writer can be called again with the same values
and changes nothing, so that a resumed job replays safely. `infra.registry` keeps the model versions.

MLflow is imported on first use: it takes a second.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import SecretBytes, SecretStr

from domain.errors import InputError
from infra.addresses import masked
from infra.mlflow_access import asking, open_client, quieten

log = logging.getLogger(__name__)

EndStatus = Literal["FINISHED", "FAILED", "KILLED"]

_SECRET_KEY = re.compile(r"(^|[._-])(\w*api_?key|secret\w*|\w*password|token|auth\w*|credentials?)$", re.I)
_BAD_KEY_CHARACTERS = re.compile(r"[^\w\-. :/]")
_MAX_PARAM_CHARS, _MAX_TAG_CHARS, _MAX_KEY_CHARS, _MAX_BATCH = 6000, 5000, 250, 100
# MLflow's limit of a dataset's digest; the full fingerprint is kept as a tag.
_MAX_DIGEST_CHARS = 36
# Else MLflow's pages open on traces and prompts, where a trained model's figures are hard to find.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
_TABLES_TAG = "mlflow.loggedArtifacts"


class Tracking:
    """The MLflow at `tracking_uri`. New experiments keep their artifacts under `artifact_root`.

    Without an `artifact_root` a tracking server decides where artifacts go. Every method raises
    OutsideError when MLflow does not answer, InputError for a run it does not know.
    """

    def __init__(self, tracking_uri: str, artifact_root: str | None = None) -> None:
        self.tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        quieten()

    @cached_property
    def client(self) -> Any:
        return open_client(self.tracking_uri)

    def prepare(self) -> None:
        """Imports MLflow and lets it make or check its database: 2 s the first time, 1 s later.

        Safe to call from a thread, early, so that nobody waits for it afterwards.
        """
        with asking(self.tracking_uri):
            self.client.get_experiment_by_name("Default")

    # -- a run's life -----------------------------------------------------------------------

    def start_or_reopen(
        self, experiment: str, run_name: str, tags: Mapping[str, str], run_id: str | None = None
    ) -> str:
        """The id of a run that is RUNNING: `run_id` reopened, or a new one of `experiment`.

        A `run_id` that MLflow no longer has (its database was removed) gives a new run.
        """
        with asking(self.tracking_uri):
            if run_id is not None and self._reopen(run_id):
                self.set_tags(run_id, tags)
                return run_id
            run = self.client.create_run(
                self._experiment_id(experiment),
                tags={"mlflow.source.name": "trainyard", "mlflow.source.type": "JOB", **_as_tags(tags)},
                run_name=run_name,
            )
            return str(run.info.run_id)

    def _reopen(self, run_id: str) -> bool:
        run = self.find_run(run_id)
        if run is None:
            log.warning("MLflow at %s has no run %s any more: a new one is made", self._shown_uri, run_id)
            return False
        if run.info.lifecycle_stage == "deleted":
            self.client.restore_run(run_id)
        if run.info.status != "RUNNING":
            self.client.update_run(run_id, status="RUNNING")
        return True

    def _experiment_id(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            location = f"{self._artifact_root.rstrip('/')}/{_slug(name)}" if self._artifact_root else None
            try:
                return str(self.client.create_experiment(name, location, _EXPERIMENT_TAGS))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # Another process made it between the question and the answer.
                experiment = self.client.get_experiment_by_name(name)
        if experiment.lifecycle_stage == "deleted":
            self.client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)

    def end(self, run_id: str, status: EndStatus) -> None:
        """Ends the run; ending it again with the same status keeps its first end time."""
        with asking(self.tracking_uri):
            if self._run(run_id).info.status != status:
                self.client.set_terminated(run_id, status=status)

    def settle(self, run_ids: Iterable[str], status: EndStatus = "KILLED") -> tuple[str, ...]:
        """Ends those of `run_ids` that are still RUNNING, and returns them.

        For runs whose process died without a word; unknown ids are passed over.
        """
        settled = []
        with asking(self.tracking_uri):
            for run_id in run_ids:
                run = self.find_run(run_id)
                if run is not None and run.info.status == "RUNNING":
                    self.client.set_terminated(run_id, status=status)
                    settled.append(run_id)
        return tuple(settled)

    def running_runs(self) -> dict[str, str]:
        """The ids of all runs that are RUNNING, with the id of the job each was opened for."""
        found: dict[str, str] = {}
        with asking(self.tracking_uri):
            experiments = [one.experiment_id for one in self.client.search_experiments()]
            token = None
            while True:
                page = self.client.search_runs(
                    experiments, filter_string="attributes.status = 'RUNNING'", page_token=token
                )
                found |= {run.info.run_id: run.data.tags.get("job_id", "") for run in page}
                if not (token := page.token):
                    return found

    def status(self, run_id: str) -> str:
        """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
        with asking(self.tracking_uri):
            return str(self._run(run_id).info.status)

    # -- what a run says --------------------------------------------------------------------

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._log(run_id, tags=[RunTag(key, value) for key, value in _as_tags(tags).items()])

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Logs nested values flat ("head.lr"); leaves out secrets; cuts texts at 6,000 characters.

        MLflow cannot change a parameter: a value that differs from the one logged before is kept
        beside it as "name.2", "name.3" and so on.
        """
        from mlflow.entities import Param

        with asking(self.tracking_uri):
            known = self._run(run_id).data.params
        fresh: dict[str, str] = {}
        for key, value in _flat(params):
            if (name := _free_name(key, value, known)) is not None:
                fresh[name] = value
        self._log(run_id, params=[Param(key, value) for key, value in fresh.items()])

    def log_metrics(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs figures at `step`; a figure already logged at that step with that value is left alone."""
        self._log_steps(run_id, metrics, step, replace=True)

    def log_iteration_metrics(self, run_id: str, iteration: int, metrics: Mapping[str, float]) -> None:
        """Logs an iteration's figures once: a replay of a finished iteration adds no point to a curve."""
        self._log_steps(run_id, metrics, iteration, replace=False)

    def _log_steps(self, run_id: str, metrics: Mapping[str, float], step: int, *, replace: bool) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        fresh = []
        with asking(self.tracking_uri):
            for key, value in metrics.items():
                name = _key(key)
                logged = [m.value for m in self.client.get_metric_history(run_id, name) if m.step == step]
                if not logged or (replace and not _same(logged[-1], value)):
                    fresh.append(Metric(name, float(value), now, step))
        self._log(run_id, metrics=fresh)

    def _log(self, run_id: str, **entities: list[Any]) -> None:
        with asking(self.tracking_uri):
            for name, values in entities.items():
                for first in range(0, len(values), _MAX_BATCH):
                    self.client.log_batch(run_id, **{name: values[first : first + _MAX_BATCH]})

    def log_dataset(
        self, run_id: str, name: str, fingerprint: str, context: str, facts: Mapping[str, Any]
    ) -> None:
        """Names the dataset as the run's input; `facts` (counts, protocol) show as its profile."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=name,
            digest=fingerprint[:_MAX_DIGEST_CHARS],
            source_type="code",
            source=json.dumps({"tags": {"trainyard.fingerprint": fingerprint}}),
            profile=json.dumps(dict(facts), default=str),
        )
        with asking(self.tracking_uri):
            self.client.log_inputs(
                run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])]
            )
        self.set_tags(run_id, {"dataset_fingerprint": fingerprint})

    # -- files ------------------------------------------------------------------------------

    def log_artifacts(self, run_id: str, folder: Path, path: str | None = None) -> None:
        """Copies what is in `folder` under the run's artifacts, below `path`; equal names are replaced."""
        with asking(self.tracking_uri):
            self.client.log_artifacts(run_id, str(folder), artifact_path=path)

    def log_json(self, run_id: str, value: Mapping[str, Any] | list[Any], path: str) -> None:
        self._log_text(run_id, json.dumps(value, indent=2, ensure_ascii=False, default=str), path)

    def log_table(self, run_id: str, frame: pd.DataFrame, path: str) -> None:
        """Writes `frame` as `path` (.json), which MLflow's pages show as a table; replaces, never appends."""
        if not path.endswith(".json"):
            raise InputError(f"the table {path!r} needs a name that ends in .json")
        text = str(frame.to_json(orient="split", index=False, date_format="iso"))
        self._log_text(run_id, text, path)
        with asking(self.tracking_uri):
            tables = json.loads(self._run(run_id).data.tags.get(_TABLES_TAG, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in tables:
            self.set_tags(run_id, {_TABLES_TAG: json.dumps([*tables, entry])})

    def _log_text(self, run_id: str, text: str, path: str) -> None:
        *folders, name = path.split("/")
        with tempfile.TemporaryDirectory() as scratch, asking(self.tracking_uri):
            (Path(scratch) / name).write_text(text, encoding="utf-8")
            self.client.log_artifacts(run_id, scratch, artifact_path="/".join(folders) or None)

    # -- reading ----------------------------------------------------------------------------

    def run_url(self, base_url: str, run_id: str) -> str:
        """The run's page on the MLflow server at `base_url`.

        It is asked for as a page on training: MLflow opens on tracing language models otherwise.
        """
        with asking(self.tracking_uri):
            experiment_id = self._run(run_id).info.experiment_id
        page = f"{base_url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
        return f"{page}?workflowType=machine_learning"

    def metrics(self, run_id: str) -> dict[str, float]:
        """The last value of each metric."""
        with asking(self.tracking_uri):
            return dict(self._run(run_id).data.metrics)

    def _run(self, run_id: str) -> Any:
        return self.client.get_run(run_id)

    def find_run(self, run_id: str) -> Any | None:
        """MLflow's own record of the run, None if it has none."""
        from mlflow.exceptions import MlflowException

        try:
            return self._run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    @property
    def _shown_uri(self) -> str:
        return masked(self.tracking_uri)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, (SecretStr, SecretBytes)) or _SECRET_KEY.search(name):
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            yield _key(name), masked(text)[:_MAX_PARAM_CHARS]


def _free_name(key: str, value: str, known: Mapping[str, str]) -> str | None:
    """The name to log `value` under; None where it is logged already."""
    name, n = key, 1
    while name in known:
        if known[name] == value:
            return None
        n += 1
        name = f"{key}.{n}"
    return name


def _as_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    return {_key(key): str(value)[:_MAX_TAG_CHARS] for key, value in tags.items() if value is not None}


def _key(name: str) -> str:
    return _BAD_KEY_CHARACTERS.sub("_", name)[:_MAX_KEY_CHARS]


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "experiment"


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
