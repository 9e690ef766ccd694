"""Events that others can act on: what Prefect's automations are triggered by, named `trainyard.…`.

The catalog is the truth and an event a nudge: it is noted in the catalog before it is sent, so that what
nobody heard is found by the sweep (`tasks.pending`). The label `trainyard.followed` says whether whoever sent
it goes on with the next step itself, as the pipeline and a person at the command line do.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from prefect import task
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL

from domain.errors import ContractError
from infra import catalog as records
from tasks.launch import ATTENDED
from tasks.outcome import DatasetFacts, Ingested
from tasks.policy import RETRIED
from tasks.workplace import workplace

log = logging.getLogger(__name__)

INGEST_FINISHED = "trainyard.ingest.finished"
DATASET_CREATED = "trainyard.dataset.created"
MODEL_REGISTERED = "trainyard.model.registered"
MODEL_EVALUATED = "trainyard.model.evaluated"
MODEL_PROMOTED = "trainyard.model.promoted"
MODEL_DRIFTED = "trainyard.model.drifted"
MODEL_RETIRING = "trainyard.model.retiring"
CONTRACT_FAILED = "trainyard.contract.failed"


@task(task_run_name="tell of ingested files", **RETRIED)
def told_ingested(ingested: Ingested) -> Ingested:
    """What was given, after telling of it."""
    counts = {name: ingested[name] for name in ("n_files", "n_new", "n_known", "n_read")}
    payload = {"role": ingested["role"], **counts, "n_refused": len(ingested["rejected"])}
    send(INGEST_FINISHED, ingested["role"], payload)
    return ingested


@task(task_run_name="tell of dataset", **RETRIED)
def told_dataset(facts: DatasetFacts) -> DatasetFacts:
    """What was given, after telling of it; once a dataset."""
    payload = {name: facts[name] for name in ("name", "fingerprint", "kind", "n_items", "n_answers")}
    announce(DATASET_CREATED, facts["fingerprint"], payload)
    return facts


@task(task_run_name="tell of model", **RETRIED)
def told_model(event: str, job_id: str) -> None:
    """Tells of a job's model, that it is registered, evaluated or promoted; once a model and event."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    payload = {"job": job.id, "model": job.model_name, "version": job.model_version}
    subject = f"{job.model_name}/{job.model_version}" if event == MODEL_PROMOTED else job.id
    announce(event, subject, {**payload, "strategy": job.strategy})


def tell_promoted(model: str, version: int) -> None:
    """Tells that a person has made this version the champion, as often as someone does."""
    # Without a server nobody listens, and a temporary one is not worth starting.
    if PREFECT_API_URL.value():
        payload = {"model": model, "version": str(version), "by": "a person"}
        send(MODEL_PROMOTED, f"{model}/{version}", payload)


def announce(event: str, subject: str, payload: dict[str, Any]) -> None:
    """Notes an event and sends it; the same of the same subject only once."""
    place = workplace()
    followed = is_followed()
    if records.announce_once(place.catalog, place.settings.owner, event, subject, payload, followed=followed):
        send(event, subject, payload)


def send(event: str, subject: str, payload: dict[str, Any]) -> None:
    """Sends an event to the Prefect server in use. Not being heard is no error."""
    resource = {
        "prefect.resource.id": f"trainyard.{event.split('.')[1]}.{subject}",
        "prefect.resource.name": str(payload.get("name") or payload.get("model") or subject),
        "trainyard.owner": workplace().settings.owner,
        "trainyard.followed": "yes" if is_followed() else "no",
    }
    if emit_event(event=event, resource=resource, payload=payload) is None:
        log.debug("event %s of %s was not sent", event, subject)


def is_followed() -> bool:
    """Whether this flow run is part of another, or a person is at the keyboard."""
    return ATTENDED in os.environ or flow_run.parent_flow_run_id is not None


def tell_broken_contract(task: Any, task_run: Any, state: Any) -> None:
    """State hook of tasks: tells of a contract that too many rows failed."""
    try:
        state.result(raise_on_failure=True)
    except ContractError as broken:
        send(CONTRACT_FAILED, task.name, {"name": task_run.name, "message": str(broken)[:2000]})
    except Exception:  # noqa: S110 - any other failure is told by the flow run itself
        pass
