"""The state of the place as Prometheus metrics, read from the catalog at each scrape: none is kept here."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from infra import catalog as records
from infra.catalog import Job, JobState
from infra.lives import Life, life_of
from tasks.workplace import Workplace, workplace

LOOPBACK = "127.0.0.1"


class _State(Collector):
    def __init__(self, place: Workplace) -> None:
        self._place = place

    def describe(self) -> Iterator[Metric]:
        # Else the registry would read the catalog to learn the names.
        return iter(())

    def collect(self) -> Iterator[Metric]:
        place, owner = self._place, self._place.settings.owner
        jobs = records.jobs(place.catalog, owner, limit=100_000)
        yield from _of_jobs(place, jobs)
        yield from _of_material(place)
        yield _counted(
            "trainyard_reviews_open",
            "Readings of guides that wait for a person",
            records.n_open_reviews(place.catalog, owner),
        )


def _of_jobs(place: Workplace, jobs: list[Job]) -> Iterator[Metric]:
    states = Counter(job.state for job in jobs)
    by_state = GaugeMetricFamily("trainyard_jobs", "Jobs by state", labels=["state"])
    for state in JobState:
        by_state.add_metric([state.value], states[state])
    yield by_state
    lost = [
        job
        for job in jobs
        if job.state is JobState.RUNNING and life_of(place.settings.home, job.id) is Life.DEAD
    ]
    yield _counted("trainyard_jobs_lost", "Running jobs whose process is gone (trainyard settle)", len(lost))
    finished = [job.updated_at for job in jobs if job.state is JobState.FINISHED]
    if finished:
        age = (datetime.now(UTC) - max(finished)).total_seconds()
        yield _counted("trainyard_last_finished_job_age_seconds", "Since a job last finished", age)
    agreement = GaugeMetricFamily(
        "trainyard_model_qwk", "QWK of each model's newest job on unseen answers", labels=["model", "version"]
    )
    seen: set[str] = set()
    for job in jobs:
        if not job.model_name or job.model_name in seen:
            continue
        found = records.find_evaluation(place.catalog, job.id, dataset_id=job.dataset_id)
        figure = (
            found.metrics.get("unseen_answers.qwk") if found and isinstance(found.metrics, dict) else None
        )
        if figure is not None:
            seen.add(job.model_name)
            agreement.add_metric([job.model_name, job.model_version], figure)
    yield agreement


def _of_material(place: Workplace) -> Iterator[Metric]:
    owner = place.settings.owner
    files = GaugeMetricFamily(
        "trainyard_files", "Files seen, by role and outcome", labels=["role", "outcome"]
    )
    seen = records.files(place.catalog, owner)
    counts = Counter(zip(seen["role"].astype(str), seen["outcome"].astype(str), strict=True))
    for (role, outcome), n in sorted(counts.items()):
        files.add_metric([role, outcome], n)
    yield files
    yield _counted("trainyard_datasets", "Datasets", len(records.datasets(place.catalog, owner)))
    rejected = len(records.quarantined(place.catalog, owner))
    yield _counted("trainyard_quarantined_rows", "Rows that failed a contract", rejected)


def _counted(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_State(workplace()))
    return registry


def metrics_text() -> str:
    """All metrics in Prometheus' text format."""
    return generate_latest(_registry()).decode()


def serve_metrics(port: int, announce: Callable[[str], None]) -> None:
    """Serves them on the loopback until Ctrl-C; port 0 is any."""
    server, thread = start_http_server(port, addr=LOOPBACK, registry=_registry())
    announce(f"http://{LOOPBACK}:{server.server_port}/metrics")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()
        thread.join()
