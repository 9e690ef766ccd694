"""Train: a dataset in, a registered model version out. Run it again and it resumes."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from domain.errors import ModelAwayError
from tasks.choice import choose_strategy
from tasks.claims import alone, training_of
from tasks.datasets import dataset_facts
from tasks.events import MODEL_REGISTERED, told_model
from tasks.outcome import Choice, DatasetFacts, TrainOutcome
from tasks.policy import Tally, task_runner, time_limit
from tasks.runs import abandon_job, end_run, finish_model, open_run, register_model
from tasks.stopping import stoppable
from tasks.training import begin_job, start_training, train_iteration


@flow(
    name="train",
    flow_run_name="train {strategy} on {dataset}",
    task_runner=task_runner(),
    timeout_seconds=time_limit(),
    on_completion=[end_run],
    on_failure=[end_run],
    on_cancellation=[end_run],
    on_crashed=[end_run],
)
def train(
    dataset: str = "latest",
    strategy: str = "auto",
    hyperparameters: list[str] = [],  # noqa: B006
    otherwise: str = "",
) -> TrainOutcome:
    """Chooses a strategy, trains it iteration by iteration, registers the model.

    Args:
        dataset: Name, id or fingerprint of a dataset; latest for the newest.
        strategy: How to train: auto, llm, transfer or native. auto takes the best one that can be used here.
        hyperparameters: Each as name=value, over the strategy's defaults.
        otherwise: Strategy that takes over when no language model or embeddings server answers; or empty.
    """
    facts = dataset_facts(dataset)
    choice = choose_strategy(facts["kind"], facts["id"], strategy, hyperparameters)
    try:
        return _trained(facts, choice)
    except ModelAwayError as outage:
        if not otherwise or otherwise == choice["strategy"]:
            raise
        abandon_job(begin_job(facts["kind"], facts["id"], choice, str(flow_run.id)), str(outage))
        second = choose_strategy(facts["kind"], facts["id"], otherwise, [])
        passed = {"name": choice["strategy"], "objection": str(outage)}
        second = Choice(**{**second, "requested": strategy, "passed_over": [*choice["passed_over"], passed]})
        return _trained(facts, second)


def _trained(facts: DatasetFacts, choice: Choice) -> TrainOutcome:
    """Trained to its end by one flow run alone; the others wait, and find it done."""
    with alone(training_of(facts["fingerprint"], choice["strategy"], choice["config"]), str(flow_run.id)):
        outcome = _trained_alone(
            facts, choice, begin_job(facts["kind"], facts["id"], choice, str(flow_run.id))
        )
    told_model(MODEL_REGISTERED, outcome["job_id"])
    return outcome


def _trained_alone(facts: DatasetFacts, choice: Choice, job_id: str) -> TrainOutcome:
    """The job trained to its end and its model registered."""
    with stoppable(job_id):
        return _trained_step_by_step(facts, choice, job_id)


def _trained_step_by_step(facts: DatasetFacts, choice: Choice, job_id: str) -> TrainOutcome:
    run_id = open_run(job_id, str(flow_run.id))
    tally = Tally()
    state = start_training(job_id, facts["fingerprint"], choice["recipe"])
    iterations = []
    while not state["done"] and state["iteration"] < choice["config"]["iterations"]:
        state = tally.count(
            train_iteration(
                job_id,
                facts["fingerprint"],
                choice["recipe"],
                state["checkpoint"],
                state["iteration"] + 1,
                return_state=True,
            )
        )
        iterations.append(state)
    finished = finish_model(
        job_id, facts["fingerprint"], choice["recipe"], state["checkpoint"], facts["promise"]
    )
    # Where MLflow was away at the start: a model's registration cannot do without.
    run_id = run_id or open_run(job_id, str(flow_run.id), required=True)
    registered = register_model(job_id, iterations, finished)
    return TrainOutcome(
        job_id=job_id,
        dataset_id=facts["id"],
        mlflow_run_id=run_id,
        choice=choice,
        n_trained=tally.n_done,
        n_reused=tally.n_cached,
        model=registered,
    )
