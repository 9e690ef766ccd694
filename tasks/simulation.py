"""The simulated language model, served on this machine for trying things without a key."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from domain.errors import InputError, SettingError
from infra.llm_simulator.bank import GUIDE, Bank, make_bank
from infra.llm_simulator.behaviour import behaviour_of
from infra.llm_simulator.server import Simulator

MODEL = "simulated-1"


@dataclass(frozen=True)
class Examples:
    """Where an examination was written: a guide as JSON, and its graded answers as a tidy table."""

    guide: Path
    answers: Path


def write_examples(folder: Path, n_items: int, n_students: int, seed: int) -> Examples:
    """Writes the simulated examination of this seed into the folder. Raises InputError if it cannot."""
    bank = make_bank(n_items, n_students, seed)
    written = Examples(folder / "guide.json", folder / "answers.csv")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written.guide.write_text(_guide(bank), encoding="utf-8")
        _table(bank, written.answers)
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


def _table(bank: Bank, path: Path) -> None:
    items = bank.items[["item_id", "guide", "number", "question", "model_answer"]]
    table = bank.answers.merge(items, on="item_id").rename(
        columns={"text": "answer", "gold": "score", "second_gold": "second_score"}
    )
    columns = ["guide", "number", "question", "model_answer", "max_score", "student", "answer", "score"]
    table[[*columns, "second_score"]].to_csv(path, index=False)
