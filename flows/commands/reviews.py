"""Commands that settle what the rule parser and a language model read differently in a guide."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say

reviews = typer.Typer(
    invoke_without_command=True,
    help="List what the rule parser and a language model read differently in guides, and settle it.\n\n"
    "Until a review is settled, the rule parser's reading counts.",
)
_LONGEST = 300


@reviews.callback()
def listing(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    json: Json = False,
) -> None:
    """List the open reviews: both readings, and the lines of the guide that bear on them."""
    if context.invoked_subcommand is not None:
        return
    launch()
    from tasks.reviews import list_reviews

    found = list_reviews(everything)
    if json:
        print_json(found)
    elif found:
        from flows.terminal import out

        for review in found:
            out.print("\n".join(_lines(review)) + "\n", markup=False)
        say("To settle one: trainyard reviews settle ID --take rule, or --take model")
    else:
        say("no review is open")


@reviews.command()
def settle(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of reviews, or their beginnings.")],
    take: Annotated[Literal["rule", "model"], typer.Option(help="Whose reading is to count.")],
    json: Json = False,
) -> None:
    """Take one of the two readings; a guide that this changes is checked again."""
    launch()
    from tasks.reviews import settle

    outcome = settle(ids, take)
    if json:
        print_json(outcome)
        return
    from flows.terminal import out

    for review in outcome["settled"]:
        out.print(f"{_title(review)}: the {_reader(review, take)}'s reading counts", markup=False)
    for guide in outcome["changed"]:
        problems = "; ".join(guide["problems"])
        told = f"has problems and is not trained on: {problems}" if problems else "has no problems"
        out.print(f"{guide['guide']} was changed and {told}", markup=False)
    if outcome["changed"]:
        say("Run trainyard prepare or pipeline again: submissions to these guides are read anew")
    if outcome["still_open"]:
        say(f"{outcome['still_open']} reviews are still open")


def _lines(review: dict[str, Any]) -> list[str]:
    """A review in words."""
    readers = ("rule parser", review["read_by"])
    width = max(map(len, readers))
    lines = [_title(review)]
    for reader, value in zip(readers, (review["rule"], review["model"]), strict=True):
        told = _said(value).splitlines()
        lines += [f"  {reader:<{width}}  {told[0]}", *(" " * (width + 4) + line for line in told[1:])]
    lines += [f"  {line}" for line in review["evidence"]]
    lines.append(f"  why: {review['reason']}")
    if review["choice"]:
        lines.append(f"  settled by {review['settled_by']}: {review['choice']}")
    return lines


def _title(review: dict[str, Any]) -> str:
    about = {"guide": "the whole guide", "item": f"item {review['item']}, as a whole"}
    field = about.get(review["field"], review["field"].replace("_", " "))
    item = f", item {review['item']}" if review["item"] and review["field"] != "item" else ""
    return f"{review['id']}  {review['guide']}{item}, {field}"


def _reader(review: dict[str, Any], take: str) -> str:
    return "rule parser" if take == "rule" else review["read_by"]


def _said(value: Any) -> str:
    """A value for people: cut where it is long, with marks behind marking points."""
    if value is None or value in ("", []):
        return "(nothing)"
    if isinstance(value, dict) and "items" in value:
        items = [f"{item['number']} [{item['max_score']:g}] {item['question']}" for item in value["items"]]
        return "\n".join([value["title"], *map(_cut, items)])
    if isinstance(value, dict):
        return _cut(
            f"{value['number']} [{value['max_score']:g}] {value['question']}: {value['model_answer']}"
        )
    if isinstance(value, list):
        return "\n".join(_cut(_point(entry)) for entry in value)
    return f"{value:g}" if isinstance(value, int | float) else _cut(str(value))


def _point(entry: Any) -> str:
    return f"{entry['text']} [{entry['marks']:g}]" if isinstance(entry, dict) else str(entry)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
