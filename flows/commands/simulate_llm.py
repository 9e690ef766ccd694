"""`trainyard simulate-llm`: a language-model server without a language model, to try things without a key."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.speech import say


class Mode(StrEnum):
    MARKER = "marker"
    ARCHITECT = "architect"
    GENERIC = "generic"


def simulate_llm(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on the loopback; 0 for any.")] = 8808,
    mode: Annotated[
        Mode,
        typer.Option(
            help="marker: grades by what it is told, and designs honest networks. architect: its networks "
            "are good, bad, broken, slow or hostile. generic: makes up valid replies."
        ),
    ] = Mode.MARKER,
    latency: Annotated[float, typer.Option(min=0, help="Median seconds until a reply.")] = 0.1,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Most requests per second.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PROBABILITY", help="Misbehave, repeatable: --fault error_503=0.1."),
    ] = None,
    write_examples: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="First write a guide and graded answers that suit it there."),
    ] = None,
    items: Annotated[int, typer.Option(min=1, help="Questions of these examples, 14 at most.")] = 6,
    students: Annotated[int, typer.Option(min=2, help="Students of these examples.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of its errors, and of the examples.")] = 0,
) -> None:
    """Serve a simulated language model on this machine until Ctrl-C.

    It grades by rules: badly at first, and better the better its instruction says what the examiner of
    the examples wants. And it designs networks for pictures. So `--strategy llm` has something to learn,
    without a key and without cost.
    """
    from tasks import simulation

    options = {
        "mode": mode.value,
        "latency": latency,
        "latency_spread": 0.2,
        "requests_per_second": rate,
        "faults": simulation.read_faults(fault or []),
        "seed": seed,
    }
    material = "--guides GUIDES --submissions SUBMISSIONS"
    if mode is Mode.ARCHITECT:
        material = "--images IMAGES"
    if write_examples is not None:
        written = simulation.write_examples(write_examples, items, students, seed)
        material = shlex.join(["--guides", str(written.guide), "--submissions", str(written.submissions)])

    def announce(url: str) -> None:
        say(f"A simulated language model answers at {url} until Ctrl-C. In another terminal:")
        sys.stdout.write(f"export TRAINYARD_LLM_BASE_URL={url}\n")
        sys.stdout.write(f"export TRAINYARD_LLM_MODELS=compatible:{simulation.MODEL}\n")
        sys.stdout.write(f"{shlex.quote(sys.argv[0])} pipeline --strategy llm {material}\n")
        sys.stdout.flush()

    counts = simulation.serve(port, options, announce)
    told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) or "none"
    say(f"Stopped. Requests: {told}")
