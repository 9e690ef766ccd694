"""Pipeline: prepare, train, evaluate, report, in that order."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.kinds import Protocol
from domain.promotion import Rule
from flows.evaluate import evaluate
from flows.prepare import kind_given, prepare
from flows.report import report
from flows.train import train
from tasks.choice import check_strategy
from tasks.outcome import PipelineOutcome
from tasks.policy import task_runner, time_limit
from tasks.stopping import end_as_cancelled


@flow(
    name="pipeline",
    flow_run_name="pipeline {dataset}",
    task_runner=task_runner(),
    timeout_seconds=time_limit(),
    on_failure=[end_as_cancelled],
    on_crashed=[end_as_cancelled],
)
def pipeline(
    guides: Annotated[str, Field(description="folder or file of marking guides; '' for none")] = "",
    submissions: Annotated[str, Field(description="folder or file of graded submissions; '' for none")] = "",
    answers: Annotated[str, Field(description="tidy CSV or JSONL of graded answers; '' for none")] = "",
    dataset: Annotated[str, Field(description="name of the dataset")] = "default",
    strategy: Annotated[str, Field(description="auto, llm, transfer or native")] = "auto",
    hyperparameters: Annotated[list[str], Field(description="name=value, over the defaults")] = [],  # noqa: B006
    protocol: Annotated[Protocol, Field(description="what is held out")] = Protocol.UNSEEN_ANSWERS,
    seed: Annotated[int, Field(description="seed of the split")] = 0,
    max_reject_share: Annotated[float, Field(description="-1 for the setting's")] = -1.0,
    otherwise: Annotated[str, Field(description="takes over when no model answers; '' none")] = "",
    accept_doubtful: Annotated[bool, Field(description="train on guides with problems too")] = False,
    images: Annotated[str, Field(description="ZIP, tar, folder or CSV of labelled pictures; '' none")] = "",
    size: Annotated[int, Field(description="points a side of decoded pictures; 0: chosen from them")] = 0,
    channels: Annotated[int, Field(description="1 grey, 3 colour, 0: chosen from the pictures")] = 0,
    promote: Annotated[Rule, Field(description="when it takes the champion's place")] = Rule.BETTER,
) -> PipelineOutcome:
    """From files to a report that people trust."""
    # Before hours of reading: a strategy that cannot be used here at all says so at once.
    check_strategy(kind_given(guides, submissions, answers, images).value, strategy, hyperparameters)
    prepared = prepare(
        guides,
        submissions,
        answers,
        dataset,
        protocol,
        seed,
        max_reject_share,
        accept_doubtful,
        images,
        size,
        channels,
    )
    trained = train(prepared["dataset"]["fingerprint"][:12], strategy, hyperparameters, otherwise=otherwise)
    evaluated = evaluate(trained["job_id"][:8], promote=promote)
    reported = report(trained["job_id"][:8])
    return PipelineOutcome(prepare=prepared, train=trained, evaluate=evaluated, report=reported)
