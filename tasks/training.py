"""The one driver of all strategies: a Prefect task an iteration, cached by what decides its outcome.

Running a flow again resumes: finished iterations are found by their key, whatever process made them.
Catalog and MLflow are told inside the task, before its result is kept, and every telling is
idempotent; so a kill at any point repeats at most the one iteration that was under way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import Any

from prefect import task

from domain.errors import OutsideError, SettingError, StrategyError
from domain.identity import fingerprint
from domain.kinds import Kind
from domain.language_models import AskModel
from infra import catalog as records
from infra.catalog import JobState
from infra.lives import sign
from strategies.base import Checkpoint, Effect, Outcome, Strategy
from strategies.registry import strategy
from tasks.effects import ask_nobody, asking, perform
from tasks.job_logs import log_for
from tasks.outcome import Choice, Recipe
from tasks.policy import KEPT, RETRIED, keyed_by
from tasks.stopping import heeding
from tasks.telling import Trained, tell_iteration
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

MOST_REMEDIES = 3
MOST_ITERATIONS = 1000
TRAINING_SHARE = 0.7
"""Of a job's budget for language models: the rest is for the held-out answers and the report."""


@task(task_run_name="begin job", **RETRIED)
def begin_job(kind: str, dataset_id: str, choice: Choice, flow_run_id: str) -> str:
    """The id of the job for this dataset and configuration; the same request is the same job."""
    place = workplace()
    dataset = records.dataset(place.catalog, place.settings.owner, dataset_id)
    key = fingerprint(
        [dataset.fingerprint, kind, choice["strategy"], choice["config"], choice["recipe"]["code"]]
    )
    job = records.begin_job(
        place.catalog,
        owner=place.settings.owner,
        key=key,
        kind=Kind(kind),
        dataset_id=dataset.id,
        requested_strategy=choice["requested"],
        config=choice["config"],
    )
    # Before it is said to be running: from then on it is settled unless its process is seen to live.
    for name in (job.id, flow_run_id):
        sign(place.settings.home, name)
    records.update_job(
        place.catalog,
        job.id,
        strategy=choice["strategy"],
        choice={passed["name"]: passed["objection"] for passed in choice["passed_over"]},
        flow_run_id=flow_run_id,
        state=None if job.state is JobState.FINISHED else JobState.RUNNING,
    )
    log_for(place, records.find_job(place.catalog, place.settings.owner, job.id))
    log.info("job %s: %s on dataset %s", job.id[:8], choice["strategy"], dataset.name)
    return job.id


@task(
    task_run_name="start training",
    cache_key_fn=keyed_by("dataset_fingerprint", "recipe"),
    **KEPT,
)
def start_training(job_id: str, dataset_fingerprint: str, recipe: Recipe) -> Trained:  # noqa: ARG001 - key
    """The checkpoint before the first iteration."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    trainer = strategy(Kind(job.kind), recipe["strategy"])
    # The limit is the flow's to keep: a strategy that knew it could not go on beyond it later.
    config = trainer.Hyperparameters(**recipe["config"], iterations=MOST_ITERATIONS)
    with heeding(job) as data:
        checkpoint = trainer.start(config, data)
    return _kept(place, checkpoint, seconds=0.0, remedied=False)


@task(
    task_run_name="iteration {number} ({recipe[strategy]})",
    tags=["trains"],
    cache_key_fn=keyed_by("dataset_fingerprint", "recipe", "checkpoint"),
    **KEPT,
)
def train_iteration(
    job_id: str,
    dataset_fingerprint: str,  # noqa: ARG001 - part of the cache key
    recipe: Recipe,
    checkpoint: str,
    number: int,
) -> Trained:
    """Iteration `number`, from the stored `checkpoint` to the next."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    trainer = strategy(Kind(job.kind), recipe["strategy"])
    before = Checkpoint.from_file(place.store.local_path(checkpoint))
    started = time.monotonic()
    with heeding(job) as data:
        heed = data.surroundings.heed_stop
        ask = asking(job.id, TRAINING_SHARE, f"iteration {number}", heed) or ask_nobody
        after, remedied = advance(trainer, before, data, ask)
    trained = _kept(place, after, seconds=time.monotonic() - started, remedied=remedied)
    tell_iteration(place, job, trained)
    shown = ", ".join(f"{name} {_told(value)}" for name, value in trained["metrics"].items())
    log.info("iteration %d: %s (%.1f s)", number, shown, trained["seconds"])
    return trained


def _told(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.3f}"


def advance(
    trainer: Strategy[Any], before: Checkpoint, data: Any, ask: AskModel = ask_nobody
) -> tuple[Checkpoint, bool]:
    """The next checkpoint, and whether a remedy was needed.

    A failed iteration is tried again from the strategy's remedy; after three, training ends with the
    best it had, or with StrategyError if it had nothing.
    """
    start = before
    for attempt in range(MOST_REMEDIES + 1):
        try:
            return _drive(trainer.iterate(start, data), data, ask), attempt > 0
        except (OutsideError, SettingError):
            raise
        except Exception as failure:
            log.warning(
                "iteration %d failed (%s): trying the strategy's remedy", before.iteration + 1, failure
            )
            remedy = trainer.remedy(start, failure)
            if remedy is None:
                raise StrategyError(f"strategy {trainer.name} failed for good: {failure}") from failure
            start, last = remedy, failure
    if before.best is None:
        raise StrategyError(f"strategy {trainer.name} failed {MOST_REMEDIES + 1} times: {last}") from last
    return Checkpoint(**{**vars(before), "done": True}), True


def _drive(steps: Generator[Effect, Outcome, Checkpoint], data: Any, ask: AskModel) -> Checkpoint:
    """Runs one iteration's generator, doing what it wishes, to the checkpoint that it returns."""
    near = data.surroundings
    try:
        wish = next(steps)
        while True:
            near.heed_stop()
            wish = steps.send(perform(wish, near.scratch, ask, near.heed_stop))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _kept(place: Workplace, checkpoint: Checkpoint, *, seconds: float, remedied: bool) -> Trained:
    return Trained(
        iteration=checkpoint.iteration,
        checkpoint=place.store.put_bytes(checkpoint.to_bytes()),
        done=checkpoint.done,
        metrics={name: float(value) for name, value in checkpoint.metrics.items()},
        seconds=seconds,
        remedied=remedied,
    )
