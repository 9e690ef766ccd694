"""Options that several verbs of the pipeline share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.kinds import Kind, Protocol
from domain.promotion import Rule

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
        help="Strategy that takes over when no language model or embeddings server answers. Default: none."
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
