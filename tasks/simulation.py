"""The simulated language model, served on this machine for trying things without a key."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pandas as pd

from domain.errors import InputError, SettingError
from infra.llm_simulator.bank import GUIDE, Bank, make_bank
from infra.llm_simulator.behaviour import behaviour_of
from infra.llm_simulator.server import Simulator

MODEL = "simulated-1"


@dataclass(frozen=True)
class Examples:
    """Where an examination was written: a guide, and a folder with one graded paper a student, as JSON.

    Papers and not a table of answers, since a table is its own guide and knows no marking points.
    """

    guide: Path
    submissions: Path


def write_examples(folder: Path, n_items: int, n_students: int, seed: int) -> Examples:
    """Writes the simulated examination of this seed into the folder. Raises InputError if it cannot."""
    bank = make_bank(n_items, n_students, seed)
    written = Examples(folder / "guide.json", folder / "submissions")
    try:
        written.submissions.mkdir(parents=True, exist_ok=True)
        written.guide.write_text(_guide(bank), encoding="utf-8")
        for student, answers in bank.answers.groupby("student"):
            paper = written.submissions / f"{student}.json"
            paper.write_text(_paper(bank, str(student), answers), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}): name another folder") from error
    return written


def read_faults(given: Sequence[str]) -> dict[str, float]:
    """Fault → probability, from "NAME=PROBABILITY". Raises SettingError for anything else."""
    faults = {}
    for one in given:
        name, _, share = one.partition("=")
        try:
            faults[name] = float(share)
        except ValueError as error:
            raise SettingError(f"--fault {one} has no probability: write --fault {name}=0.1") from error
    return faults


def serve(port: int, options: Mapping[str, object], announce: Callable[[str], None]) -> Mapping[str, int]:
    """Serves until Ctrl-C, and returns outcome → number of requests.

    `announce` is called with the address once it answers. Raises OutsideError for a taken port.
    """
    simulator = Simulator(behaviour_of(options), port).start()
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        announce(simulator.base_url)
        ended.wait()
        return dict(simulator.counts()["by_outcome"])
    finally:
        simulator.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _guide(bank: Bank) -> str:
    names = ("number", "question", "model_answer", "max_score", "criteria")
    items = [{name: row[name] for name in names} for row in bank.items.to_dict("records")]
    guide = {"title": GUIDE, "total": float(bank.items["max_score"].sum()), "items": items}
    return json.dumps(guide, indent=2, ensure_ascii=False) + "\n"


def _paper(bank: Bank, student: str, answers: pd.DataFrame) -> str:
    numbers = dict(zip(bank.items["item_id"], bank.items["number"], strict=True))
    told = [
        {
            "number": numbers[row["item_id"]],
            "text": row["text"],
            "score": row["gold"],
            "second_score": row["second_gold"],
        }
        for row in answers.to_dict("records")
    ]
    return json.dumps({"student": student, "guide": GUIDE, "answers": told}, indent=2) + "\n"
