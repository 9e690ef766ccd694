"""`trainyard watch`: files dropped into a folder or a bucket end as a trained, reported model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.running import launch
from flows.commands.speech import say

if TYPE_CHECKING:
    from tasks.inbox import Done


def watch(
    inbox: Annotated[
        str,
        typer.Argument(
            help="A folder, or a prefix of an object store as s3://bucket/inbox. Drop files into its folders "
            "guides, submissions, answers, images."
        ),
    ],
    dataset: Annotated[str, typer.Option("--dataset", help="Name of the dataset.")] = "inbox",
    strategy: Annotated[str, typer.Option("--strategy", help="auto, llm, transfer or native.")] = "auto",
    hyperparameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter, repeatable.")
    ] = None,
    quiet: Annotated[
        float, typer.Option(min=0, help="Seconds without a change after which a file is taken as whole.")
    ] = 5.0,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds that files which never come to rest may hold up the others.")
    ] = 300.0,
    once: Annotated[bool, typer.Option("--once", help="Serve what lies there, then end.")] = False,
) -> None:
    """Watch a folder or a bucket: guides and graded papers dropped there become a grader and its report.

    INBOX/inbox.csv says what became of each file. Files stay where they are; many that are dropped together
    make one dataset and one training. Stop with Ctrl-C; run it again after a crash and nothing is repeated.
    """
    launch()
    from tasks.launch import attended, serve, warm_up

    serve()
    from tasks.inbox import watching

    def run(given: dict[str, str], name: str) -> Done:
        return _whole_road(given, name, strategy, hyperparameters or [])

    # Each look at a bucket is a request that is paid for.
    usual = max(1.0, quiet) if "://" in inbox else max(0.1, min(1.0, quiet / 2))
    with attended(), watching(inbox, dataset, quiet, patience, run, say) as watched:
        warm_up()
        say(f"watching {inbox} (Ctrl-C ends it); {inbox}/inbox.csv says what became of each file")
        started = time.monotonic()
        try:
            while True:
                served = watched.serve_once()
                if once and (served or time.monotonic() - started > quiet + 2 * usual):
                    return
                time.sleep(watched.pause(usual))
        except KeyboardInterrupt:
            say("stopped watching")


def _whole_road(given: dict[str, str], name: str, strategy: str, hyperparameters: list[str]) -> Done:
    from flows.pipeline import pipeline
    from flows.prepare import prepare
    from tasks.inbox import Done, done_of

    asked: dict[str, Any] = {**given, "dataset": name}
    if not set(given) <= set(pipeline.parameters.properties):
        # A kind that the pipeline does not take is made a dataset of, which can be trained by name.
        made: Any = prepare(**asked)
        return Done(dataset=made["dataset"]["name"])
    return done_of(pipeline(**asked, strategy=strategy, hyperparameters=hyperparameters))
