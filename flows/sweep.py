"""Sweep: does what was announced and not done, one thing after the other. Events only bring it forward."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.errors import TrainyardError
from flows.evaluate import evaluate
from flows.report import report
from flows.train import train
from tasks.pending import Pending, SweepOutcome, note_resumption, pending_work
from tasks.policy import task_runner


@flow(name="sweep", flow_run_name="sweep {dataset}{job}", task_runner=task_runner())
def sweep(
    dataset: Annotated[str, Field(description="fingerprint of the only dataset to look at; '' all")] = "",
    job: Annotated[str, Field(description="id of the only job to look at; '' all")] = "",
    strategy: Annotated[str, Field(description="of new trainings: auto, llm, transfer or native")] = "auto",
    hyperparameters: Annotated[list[str], Field(description="of new trainings: name=value")] = [],  # noqa: B006
) -> SweepOutcome:
    """Trains, evaluates and reports what waits for it, until nothing does."""
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
