"""`trainyard pipeline`, and its steps one by one: `prepare`, `train`, `evaluate`, `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from domain.kinds import Kind, Protocol
from domain.promotion import Rule
from flows.commands.options import (
    AcceptDoubtful,
    AllowRejects,
    AnswersFile,
    Channels,
    DatasetName,
    Guides,
    HeldOut,
    Images,
    KindName,
    Otherwise,
    Promote,
    Seed,
    Set,
    Share,
    Size,
    StrategyName,
    Submissions,
)
from flows.commands.pseudonyms import KeyFile, tell_refused, under_pseudonyms
from flows.commands.running import absolute, run_flow
from flows.commands.speech import JobId, Json, say, show


def pipeline(
    guides: Guides = None,
    submissions: Submissions = None,
    answers: AnswersFile = None,
    dataset: DatasetName = "default",
    strategy: StrategyName = "auto",
    hyperparameters: Set = None,
    protocol: HeldOut = Protocol.UNSEEN_ANSWERS,
    seed: Seed = 0,
    max_reject_share: Share = None,
    accept_doubtful: AcceptDoubtful = False,
    otherwise: Otherwise = "",
    key_file: KeyFile = None,
    promote: Promote = Rule.BETTER,
    allow_rejects: AllowRejects = False,
    kind: KindName = None,
    images: Images = None,
    size: Size = 0,
    channels: Channels = 0,
    json: Json = False,
) -> None:
    """Prepare, train, evaluate and report in one go; run it again and nothing is done twice."""
    _check_kind(kind, images)
    material = _material(
        guides, submissions, answers, dataset, protocol, seed, max_reject_share, accept_doubtful
    )
    refused = under_pseudonyms(material, key_file)
    outcome = run_flow(
        "flows.pipeline",
        "pipeline",
        **material,
        images=absolute(images),
        size=size,
        channels=channels,
        strategy=strategy,
        hyperparameters=hyperparameters or [],
        otherwise=otherwise,
        promote=promote,
    )
    tell_refused(outcome["prepare"]["ingested"], refused)
    show(outcome, json, "show_pipeline", "show_reused")
    _tell_pages(json, outcome["train"]["job_id"])
    _exit_for(outcome["prepare"], allow_rejects)


def prepare(
    guides: Guides = None,
    submissions: Submissions = None,
    answers: AnswersFile = None,
    dataset: DatasetName = "default",
    protocol: HeldOut = Protocol.UNSEEN_ANSWERS,
    seed: Seed = 0,
    max_reject_share: Share = None,
    accept_doubtful: AcceptDoubtful = False,
    key_file: KeyFile = None,
    allow_rejects: AllowRejects = False,
    kind: KindName = None,
    images: Images = None,
    size: Size = 0,
    channels: Channels = 0,
    json: Json = False,
) -> None:
    """Read guides and submissions, or an archive of labelled pictures, and make the dataset."""
    _check_kind(kind, images)
    material = _material(
        guides, submissions, answers, dataset, protocol, seed, max_reject_share, accept_doubtful
    )
    refused = under_pseudonyms(material, key_file)
    outcome = run_flow(
        "flows.prepare", "prepare", **material, images=absolute(images), size=size, channels=channels
    )
    tell_refused(outcome["ingested"], refused)
    show(outcome, json, "show_prepare")
    _exit_for(outcome, allow_rejects)


def train(
    dataset: Annotated[
        str, typer.Argument(help="A dataset's name, id or fingerprint; 'latest' for the newest.")
    ] = "latest",
    strategy: StrategyName = "auto",
    hyperparameters: Set = None,
    otherwise: Otherwise = "",
    json: Json = False,
) -> None:
    """Train a model on a dataset and register it; a broken-off training is resumed."""
    outcome = run_flow(
        "flows.train",
        "train",
        dataset=dataset,
        strategy=strategy,
        hyperparameters=hyperparameters or [],
        otherwise=otherwise,
    )
    show(outcome, json, "show_train")


def evaluate(
    job: JobId = "latest",
    dataset: Annotated[
        str, typer.Option(help="Measure on another dataset's test split instead of the job's own.")
    ] = "",
    promote: Promote = Rule.BETTER,
    json: Json = False,
) -> None:
    """Try a job's model on what was held out, and measure how good it is, against the champion too."""
    show(
        run_flow("flows.evaluate", "evaluate", job=job, dataset=dataset, promote=promote),
        json,
        "show_evaluate",
    )


def report(job: JobId = "latest", json: Json = False) -> None:
    """Write a job's report: one HTML page, with Markdown, JSON and CSV beside it."""
    show(run_flow("flows.report", "report", job=job), json, "show_report")


def _check_kind(kind: Kind | None, images: Path | None) -> None:
    if kind is Kind.VISION and images is None:
        raise typer.BadParameter("--kind vision needs --images", param_hint="--kind")
    if kind is Kind.GRADING and images is not None:
        raise typer.BadParameter("--images are for --kind vision", param_hint="--kind")


def _material(
    guides: Path | None,
    submissions: Path | None,
    answers: Path | None,
    dataset: str,
    protocol: Protocol,
    seed: int,
    max_reject_share: float | None,
    accept_doubtful: bool,
) -> dict[str, Any]:
    return {
        "guides": absolute(guides),
        "submissions": absolute(submissions),
        "answers": absolute(answers),
        "dataset": dataset,
        "protocol": protocol,
        "seed": seed,
        "max_reject_share": -1.0 if max_reject_share is None else max_reject_share,
        "accept_doubtful": accept_doubtful,
    }


def _tell_pages(json: bool, job_id: str) -> None:
    if not json:
        from tasks.launch import up_command

        say(f"Open the MLflow and Prefect pages on this run: {up_command(job_id[:8])}")


def _exit_for(prepared: Any, allow_rejects: bool) -> None:
    from flows.terminal import attention

    if (n := attention(prepared)) and not allow_rejects:
        say(
            f"{n} files, guides or rows could not be used (see above): exit code 1, or 0 with --allow-rejects"
        )
        raise typer.Exit(1)
