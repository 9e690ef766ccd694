"""The command line: `trainyard VERB`. Verbs are the flows; the rest looks after the installation.

Nothing heavy is imported until a verb runs, so that --help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import TrainyardError
from domain.kinds import Protocol

app = typer.Typer(
    name="trainyard",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Marking guides and graded submissions in; an evaluated grader and a report out.\n\n"
    "Start with `trainyard pipeline`. Settings are `TRAINYARD_*` variables (see `trainyard config`). "
    "Exit code 0: done, 1: something could not be done or used (the message says what), 2: usage.",
)
database = typer.Typer(no_args_is_help=True, help="Look after the catalog's database.")
app.add_typer(database, name="db")

NEEDS_MLFLOW = ("pipeline", "train", "evaluate", "report", "grade")

Guides = Annotated[
    Path | None,
    typer.Option(help="Folder or file of marking guides (PDF, DOCX, TXT, MD, HTML, RTF, JSON, CSV)."),
]
Submissions = Annotated[
    Path | None, typer.Option(help="Folder or file of submissions with the examiner's scores.")
]
AnswersFile = Annotated[Path | None, typer.Option(help="Tidy CSV or JSONL with one row a graded answer.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="Name of the dataset.")]
HeldOut = Annotated[
    Protocol,
    typer.Option(help="What is held out for the test: other answers to known items, or whole items."),
]
Seed = Annotated[int, typer.Option(help="Seed of the split.")]
Share = Annotated[
    float | None,
    typer.Option(
        "--max-reject-share",
        min=0,
        max=1,
        help="Stop when more than this share of rows fails a contract. Default: the setting's.",
    ),
]
StrategyName = Annotated[
    str,
    typer.Option(
        "--strategy",
        help="auto, llm, transfer or native. auto takes the first without an objection.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A hyperparameter of the strategy, repeatable: --set seed=1."
    ),
]
JobId = Annotated[str, typer.Argument(help="A job's id or its beginning; 'latest' for the newest.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
AllowRejects = Annotated[
    bool, typer.Option("--allow-rejects", help="Exit 0 though some files or rows could not be used.")
]


@app.command()
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
    allow_rejects: AllowRejects = False,
    json: Json = False,
) -> None:
    """Prepare, train, evaluate and report in one go; run it again and nothing is done twice."""
    outcome = _run(
        "flows.pipeline",
        "pipeline",
        **_material(guides, submissions, answers, dataset, protocol, seed, max_reject_share),
        strategy=strategy,
        hyperparameters=hyperparameters or [],
    )
    _show(outcome, json, "show_pipeline", "show_reused")
    _tell_pages(json, outcome["train"]["job_id"])
    _exit_for(outcome["prepare"], allow_rejects)


@app.command()
def prepare(
    guides: Guides = None,
    submissions: Submissions = None,
    answers: AnswersFile = None,
    dataset: DatasetName = "default",
    protocol: HeldOut = Protocol.UNSEEN_ANSWERS,
    seed: Seed = 0,
    max_reject_share: Share = None,
    allow_rejects: AllowRejects = False,
    json: Json = False,
) -> None:
    """Read guides and submissions, each text once, and make the dataset."""
    material = _material(guides, submissions, answers, dataset, protocol, seed, max_reject_share)
    outcome = _run("flows.prepare", "prepare", **material)
    _show(outcome, json, "show_prepare")
    _exit_for(outcome, allow_rejects)


@app.command()
def train(
    dataset: Annotated[
        str, typer.Argument(help="A dataset's name, id or fingerprint; 'latest' for the newest.")
    ] = "latest",
    strategy: StrategyName = "auto",
    hyperparameters: Set = None,
    json: Json = False,
) -> None:
    """Train a grader on a dataset and register it; a broken-off training is resumed."""
    outcome = _run(
        "flows.train", "train", dataset=dataset, strategy=strategy, hyperparameters=hyperparameters or []
    )
    _show(outcome, json, "show_train")


@app.command()
def evaluate(
    job: JobId = "latest",
    dataset: Annotated[
        str, typer.Option(help="Measure on another dataset's test split instead of the job's own.")
    ] = "",
    json: Json = False,
) -> None:
    """Grade the held-out answers with a job's model and measure the agreement."""
    _show(_run("flows.evaluate", "evaluate", job=job, dataset=dataset), json, "show_evaluate")


@app.command()
def report(job: JobId = "latest", json: Json = False) -> None:
    """Write a job's report: one HTML page, with Markdown, JSON and CSV beside it."""
    _show(_run("flows.report", "report", job=job), json, "show_report")


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder or file of submissions to grade.")],
    model: Annotated[
        str,
        typer.Option(
            help="NAME, NAME@alias or NAME/version. Default: the champion of the newest job's model."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="File to write, .csv or .json. Default: CSV to the terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Grade new submissions; `refer` marks the answers that a human should look at."""
    outcome = _run("flows.grade", "grade", submissions=_absolute(submissions), model=model)
    from tasks.grading import grades_as

    form = "json" if json or (out and out.suffix.lower() == ".json") else "csv"
    text = grades_as(outcome, form)
    if out:
        out.write_text(text, encoding="utf-8")
        referred = sum(row["refer"] for row in outcome["grades"])
        _say(f"{len(outcome['grades'])} answers graded by {outcome['model']}, {referred} for a human: {out}")
    else:
        sys.stdout.write(text)
    for document in outcome["unparsed"]:
        _say(f"not graded: {document['name']}: {'; '.join(document['problems'])}")
    if outcome["unparsed"]:
        raise typer.Exit(1)


@app.command()
def status(json: Json = False) -> None:
    """What there is: files, guides, datasets, jobs, and whether the pages are up."""
    _launch()
    from tasks.launch import pages
    from tasks.overview import state_of_material

    state = state_of_material()
    where = pages()
    state["pages"] = f"{where.prefect} and {where.mlflow}" if where.up else "not up: trainyard up"
    _show_record(state, json)


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20, json: Json = False
) -> None:
    """List the jobs with their strategy, model and agreement."""
    _launch()
    from tasks.overview import list_jobs

    _show_rows(list_jobs(limit), json)


@app.command()
def show(job: JobId = "latest", json: Json = False) -> None:
    """Show all that is known of one job."""
    _launch()
    from tasks.overview import show_job

    _show_record(show_job(job), json)


@app.command()
def config(json: Json = False) -> None:
    """Show the settings in force and where each comes from; secrets are masked."""
    from tasks.installation import settings_shown

    _show_rows(settings_shown(), json)


@app.command()
def doctor(json: Json = False) -> None:
    """Check the installation, and say what is missing for which feature and how to get it."""
    from tasks.installation import examined

    rows = examined()
    _show_rows(rows, json)
    if any(row["state"] == "fail" for row in rows):
        raise typer.Exit(1)


@app.command()
def up(
    job: JobId = "latest",
    browser: Annotated[bool, typer.Option("--browser", help="Open the job's pages in a browser.")] = False,
) -> None:
    """Serve the Prefect and MLflow pages and a worker on this machine until Ctrl-C.

    Says where the pages of JOB are. Every flow of prefect.yaml is deployed, and the worker runs it.
    """
    _launch()
    from tasks.deployments import serve

    serve(_say, job, browser)


@app.command()
def deploy() -> None:
    """Put the deployments of prefect.yaml on the Prefect server that is up."""
    _launch()
    from tasks.deployments import deploy_all

    _say(f"deployed every flow of prefect.yaml to {deploy_all()}")


@database.command("upgrade")
def upgrade() -> None:
    """Make the catalog's database, or bring its schema up to date."""
    from tasks.installation import upgrade_catalog

    _say(upgrade_catalog())


def _material(
    guides: Path | None,
    submissions: Path | None,
    answers: Path | None,
    dataset: str,
    protocol: Protocol,
    seed: int,
    max_reject_share: float | None,
) -> dict[str, Any]:
    return {
        "guides": _absolute(guides),
        "submissions": _absolute(submissions),
        "answers": _absolute(answers),
        "dataset": dataset,
        "protocol": protocol,
        "seed": seed,
        "max_reject_share": -1.0 if max_reject_share is None else max_reject_share,
    }


def _absolute(path: Path | None) -> str:
    """A path that means the same in a worker, which starts elsewhere."""
    return str(path.expanduser().resolve()) if path else ""


def _launch() -> None:
    from tasks.launch import launch

    launch()


def _run(module: str, flow: str, **parameters: Any) -> Any:
    """Runs a flow in this process, with Prefect readied before it is imported."""
    _launch()
    _say(f"{flow}: starting")
    import importlib

    from tasks.launch import attended, warm_up_tracking

    if flow in NEEDS_MLFLOW:
        warm_up_tracking()
    function = getattr(importlib.import_module(module), flow)
    with attended():
        return function(**parameters)


def _show(outcome: Any, json: bool, *parts: str) -> None:
    if json:
        _print_json(outcome)
        return
    from flows import terminal

    for part in parts:
        getattr(terminal, part)(outcome)


def _show_record(record: dict[str, Any], json: bool) -> None:
    if json:
        _print_json(record)
        return
    from flows.terminal import show_record

    show_record(record)


def _show_rows(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        _print_json(rows)
    elif rows:
        from flows.terminal import show_rows

        show_rows(rows)
    else:
        _say("nothing yet: run trainyard pipeline")


def _print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def _tell_pages(json: bool, job_id: str) -> None:
    if not json:
        from tasks.launch import up_command

        _say(f"Open the MLflow and Prefect pages on this run: {up_command(job_id[:8])}")


def _exit_for(prepared: Any, allow_rejects: bool) -> None:
    from flows.terminal import attention

    if (n := attention(prepared)) and not allow_rejects:
        _say(
            f"{n} files, guides or rows could not be used (see above): exit code 1, or 0 with --allow-rejects"
        )
        raise typer.Exit(1)


def _say(text: str) -> None:
    """Talk goes to stderr: stdout is for results."""
    sys.stderr.write(text + "\n")


def main(run: Callable[[], Any] = app) -> None:
    """Entry point: our own errors are their message alone, and exit code 1."""
    try:
        run()
    except TrainyardError as error:
        _say(f"Error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
