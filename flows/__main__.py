"""The command line: `trainyard VERB`. Verbs are the flows; the rest looks after the installation.

Nothing heavy is imported until a verb runs, so that --help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import TrainyardError
from domain.kinds import Kind, Protocol
from domain.promotion import Rule
from flows.commands import datasets, guide, looking, model, reviews, serving
from flows.commands.backups import backup, restore
from flows.commands.compare import compare
from flows.commands.drift import drift
from flows.commands.logs import logs
from flows.commands.metrics import metrics
from flows.commands.models import models
from flows.commands.predict import predict
from flows.commands.pseudonyms import KeyFile, reveal, tell_refused, under_pseudonyms
from flows.commands.purge import purge
from flows.commands.running import absolute, run_flow
from flows.commands.settle import settle
from flows.commands.simulate_llm import simulate_llm
from flows.commands.speech import JobId, Json, say, show
from flows.commands.watch import watch

app = typer.Typer(
    name="trainyard",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Marking guides and graded submissions in, an evaluated grader and a report out; or labelled "
    "pictures in, a classifier and its report out.\n\n"
    "Start with `trainyard pipeline`. Settings are `TRAINYARD_*` variables (see `trainyard config`). "
    "Exit code 0: done, 1: something could not be done or used (the message says what), 2: usage.",
)
database = typer.Typer(no_args_is_help=True, help="Look after the catalog's database.")
app.add_typer(database, name="db")
app.add_typer(reviews.reviews, name="reviews")
app.add_typer(guide.app, name="guide")
app.add_typer(datasets.app, name="datasets")
app.add_typer(model.model, name="model")


def _tell_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"trainyard {version('trainyard')}\n")
        raise typer.Exit


@app.callback()
def options(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before any verb."""


Guides = Annotated[
    Path | None,
    typer.Option(help="Folder or file of marking guides: PDF, DOCX, XLSX, HTML, text, JSON, scans and more."),
]
Submissions = Annotated[
    Path | None,
    typer.Option(
        help="Submissions with the examiner's scores: a folder of papers, or of students' folders, or class "
        "lists (CSV or XLSX, a row a student)."
    ),
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
Otherwise = Annotated[
    str,
    typer.Option(
        help="Strategy that takes over when no language model answers: transfer or native. Default: none."
    ),
]
AcceptDoubtful = Annotated[
    bool, typer.Option("--accept-doubtful", help="Take guides with problems too: train on what they say.")
]
Images = Annotated[
    Path | None,
    typer.Option(help="Labelled pictures: a ZIP, tar or folder with class folders, or a CSV of path,label."),
]
Size = Annotated[int, typer.Option(help="Points a side of decoded pictures. Default 0: chosen from them.")]
Channels = Annotated[
    int, typer.Option(help="1 for grey, 3 for colour pictures. Default 0: chosen from them.")
]
KindName = Annotated[
    Kind | None, typer.Option("--kind", help="grading or vision. Default: what the files are for.")
]
Promote = Annotated[
    Rule,
    typer.Option(help="Take the champion's place when better beyond chance on the same answers, or as told."),
]
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def report(job: JobId = "latest", json: Json = False) -> None:
    """Write a job's report: one HTML page, with Markdown, JSON and CSV beside it."""
    show(run_flow("flows.report", "report", job=job), json, "show_report")


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
    key_file: KeyFile = None,
    json: Json = False,
) -> None:
    """Grade new submissions; `refer` marks the answers that a human should look at."""
    given = {"submissions": absolute(submissions)}
    refused = under_pseudonyms(given, key_file)
    outcome = run_flow("flows.grade", "grade", **given, model=model)
    outcome["unparsed"] += [{"name": one["name"], "problems": [one["reason"]]} for one in refused]
    from tasks.grading import grades_as

    form = "json" if json or (out and out.suffix.lower() == ".json") else "csv"
    text = grades_as(outcome, form)
    if out:
        out.write_text(text, encoding="utf-8")
        referred = sum(row["refer"] for row in outcome["grades"])
        say(f"{len(outcome['grades'])} answers graded by {outcome['model']}, {referred} for a human: {out}")
    else:
        sys.stdout.write(text)
    for document in outcome["unparsed"]:
        say(f"not graded: {document['name']}: {'; '.join(document['problems'])}")
    if outcome["ungraded"]:
        n, reasons = len(outcome["ungraded"]), sorted({one["reason"] for one in outcome["ungraded"]})
        say(f"{n} answers have no mark and are for a human: {'; '.join(reasons[:5])}")
    if outcome["unparsed"] or outcome["ungraded"]:
        raise typer.Exit(1)


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


for look in (looking.status, looking.runs, looking.show, looking.config, looking.doctor):
    app.command()(look)
for command in (
    *(predict, models, purge, reveal, simulate_llm, compare),
    *(backup, restore, settle, drift, logs, metrics),
):
    app.command()(command)
for serve in (serving.up, serving.deploy, watch):
    app.command()(serve)
database.command("upgrade")(serving.upgrade)


def main(run: Callable[[], Any] = app) -> None:
    """Entry point: our own errors are their message alone, and exit code 1."""
    try:
        run()
    except TrainyardError as error:
        say(f"Error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
