"""Sweep: does what was announced and not done, one thing after the other. Events only bring it forward."""

from __future__ import annotations

from prefect import flow

from domain.errors import TrainyardError
from flows.evaluate import evaluate
from flows.report import report
from flows.train import train
from tasks.pending import Pending, SweepOutcome, note_resumption, pending_work
from tasks.policy import task_runner


@flow(name="sweep", flow_run_name="sweep {dataset}{job}", task_runner=task_runner())
def sweep(
    dataset: str = "",
    job: str = "",
    strategy: str = "auto",
    hyperparameters: list[str] = [],  # noqa: B006
) -> SweepOutcome:
    """Trains, evaluates and reports what waits for it, until nothing does.

    Args:
        dataset: Fingerprint of the only dataset to look at; empty for all.
        job: Id of the only job to look at; empty for all.
        strategy: Of new trainings: auto, llm, transfer or native.
        hyperparameters: Of new trainings, each as name=value.
    """
    outcome = SweepOutcome(done=[], failed=[])
    tried: set[tuple[str, str]] = set()
    while waiting := [
        p
        for p in pending_work(dataset, job, strategy, hyperparameters)
        if (p["step"], p["subject"]) not in tried
    ]:
        for one in waiting:
            tried.add((one["step"], one["subject"]))
            try:
                do(one)
            except TrainyardError as error:
                outcome["failed"].append(
                    {"step": one["step"], "subject": one["subject"], "reason": str(error)}
                )
            else:
                outcome["done"].append(f"{one['step']} {one['subject']}")
    return outcome


def do(one: Pending) -> None:
    """One step, by the flow that does it for people too."""
    if one["step"] == "train":
        if one["resumes"]:
            note_resumption(one["resumes"])
        train(one["subject"][:12], one["strategy"], one["hyperparameters"])
    elif one["step"] == "evaluate":
        evaluate(one["subject"][:8])
    else:
        report(one["subject"][:8])
