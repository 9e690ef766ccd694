"""Pipeline: prepare, train, evaluate, report, in that order."""

from __future__ import annotations

from prefect import flow

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
    guides: str = "",
    submissions: str = "",
    answers: str = "",
    dataset: str = "default",
    strategy: str = "auto",
    hyperparameters: list[str] = [],  # noqa: B006
    protocol: Protocol = Protocol.UNSEEN_ANSWERS,
    seed: int = 0,
    max_reject_share: float = -1.0,
    otherwise: str = "",
    accept_doubtful: bool = False,
    images: str = "",
    size: int = 0,
    channels: int = 0,
    promote: Rule = Rule.BETTER,
) -> PipelineOutcome:
    """From files to a report that people trust.

    Args:
        guides: Folder or file of marking guides; empty for none.
        submissions: Folder or file of graded submissions; empty for none.
        answers: Tidy CSV or JSONL of graded answers; empty for none.
        dataset: Name of the dataset that is made.
        strategy: How to train: auto, llm, transfer or native. auto takes the best one that can be used here.
        hyperparameters: Each as name=value, over the strategy's defaults.
        protocol: What a held-out answer is held out from.
        seed: Seed of the split into training, validation and test.
        max_reject_share: Share of rows, 0 to 1, that may be rejected; -1 takes the setting's.
        otherwise: Strategy that takes over when no language model or embeddings server answers; or empty.
        accept_doubtful: Also train on guides that have problems.
        images: ZIP, tar, folder or CSV of labelled pictures; empty for none.
        size: Pixels a side of decoded pictures; 0 chooses from the pictures.
        channels: 1 for grey, 3 for colour; 0 chooses from the pictures.
        promote: When the new version takes the champion's place.
    """
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
