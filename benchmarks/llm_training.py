"""What training the strategy `llm` gains over its starting instruction, on answers that it never sees.

    python benchmarks/llm_training.py

Three simulated examinations, each with hidden conventions of its own, against the simulator in a process
of its own. The program before training and the one after are calibrated by the same procedure and grade
the same test answers. Last comes a run with a budget. Prices are those of a small model.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pandas as pd

from domain.bootstrap import paired_bootstrap
from domain.grading.metrics import qwk
from domain.kinds import Kind
from domain.language_models import Answered, AskModel, Request
from infra.catalog import Catalog, spent, upgrade
from infra.llm import Budget, LanguageModels
from infra.llm_simulator.bank import Bank, make_bank
from infra.settings import Settings
from strategies.base import Ask, Checkpoint, Effect, GradingData, Outcome, Surroundings
from strategies.grading.llm.asking import Asking
from strategies.grading.llm.lesson import Lesson
from strategies.grading.llm.measuring import measure
from strategies.grading.llm.program import Program
from strategies.grading.llm.training import LlmHyperparameters
from strategies.grading.loading import load_any_grader
from strategies.registry import strategy
from tests.llm_server import simulator_process

SEEDS = (0, 1, 2)
PRICES = """
[[model]]
provider = "compatible"
model = "simulated-1"
input = 0.20
output = 1.20
source = "as of a small model"
"""
STUDENTS, ITEMS = 60, 8
VALIDATION_SHARE, TEST_SHARE = 0.2, 0.3
BUDGET_TOKENS = 250_000


@contextmanager
def models() -> Iterator[tuple[LanguageModels, Catalog]]:
    """Our client with an empty reply table, asking a simulator of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = f"sqlite:///{home / 'catalog.db'}"
        upgrade(url)
        (home / "prices.toml").write_text(PRICES)
        with simulator_process() as server, Catalog.open(url) as catalog:
            settings = Settings(
                _env_file=None,
                home=home,
                llm_base_url=server.base_url,
                llm_models="compatible:simulated-1",
                llm_price_file=home / "prices.toml",
                llm_concurrency=16,
            )
            opened = LanguageModels.open(settings, catalog)
            try:
                yield opened, catalog
            finally:
                opened.close()


class Meter:
    """Asks for one payer, and counts the requests of the largest wish."""

    def __init__(self, opened: LanguageModels, payer: str, budget: Budget | None = None) -> None:
        self._opened, self._payer, self._budget = opened, payer, budget
        self.largest = 0

    def __call__(self, requests: Sequence[Request]) -> Sequence[Answered]:
        self.largest = max(self.largest, len(requests))
        return self._opened.complete(requests, payer=self._payer, budget=self._budget)


def classroom(
    bank: Bank, seed: int, names: tuple[str, ...], scratch: Path
) -> tuple[GradingData, pd.DataFrame]:
    """What training sees, and the test answers: whole students are held out."""
    students = np.random.default_rng(seed).permutation(sorted(bank.answers["student"].unique()))
    n_test, n_held = round(TEST_SHARE * len(students)), round(VALIDATION_SHARE * len(students))
    split = dict.fromkeys(students, "train")
    split |= dict.fromkeys(students[:n_test], "test")
    split |= dict.fromkeys(students[n_test : n_test + n_held], "validation")
    answers = bank.answers.assign(split=bank.answers["student"].map(split))
    seen = answers[answers["split"] != "test"].reset_index(drop=True)
    place = Surroundings(scratch, names)
    return GradingData(bank.items, seen, f"bank {seed}", place), answers[answers["split"] == "test"]


def checkpoints(ask: AskModel, data: GradingData, **given: Any) -> Iterator[Checkpoint]:
    """The training, iteration by iteration."""
    trainer = strategy(Kind.GRADING, "llm")
    checkpoint = trainer.start(trainer.Hyperparameters(**given), data)
    while not checkpoint.done:
        checkpoint = driven(trainer.iterate(checkpoint, data), ask)
        yield checkpoint


def driven(steps: Generator[Effect, Outcome, Any], ask: AskModel) -> Any:
    """What a generator of wishes returns in the end."""
    try:
        wish = next(steps)
        while True:
            assert isinstance(wish, Ask)
            wish = steps.send(tuple(ask(wish.requests)))
    except StopIteration as end:
        return end.value


def graded(checkpoint: Checkpoint, data: GradingData, test: pd.DataFrame, ask: AskModel) -> np.ndarray:
    """Marks of the test answers, as shares of max_score, by the model that the checkpoint makes."""
    model = strategy(Kind.GRADING, "llm").finish(checkpoint, data)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in model.files.items():
            (Path(folder) / name).write_bytes(content)
        grades = load_any_grader(Path(folder), ask=ask).grade(data.items, test)
    if grades["mark"].isna().any():
        raise SystemExit(f"not graded: {grades.loc[grades['mark'].isna(), 'rationale'].iloc[0]}")
    return np.asarray(grades["mark"] / grades["max_score"], float)


@dataclass(frozen=True)
class Gain:
    seed: int
    before: float
    after: float
    low: float
    """Lower end of the 95 % interval of the gain, over students."""
    best_told: float
    """QWK of an instruction that says the hidden convention out."""
    n_iterations: int
    cost_usd: float
    seconds: float


def gain(seed: int, **given: Any) -> Gain:
    """One examination: trained, and measured on the students held out."""
    bank = make_bank(n_items=ITEMS, n_students=STUDENTS, seed=seed)
    begun = time.monotonic()
    with models() as (opened, catalog), tempfile.TemporaryDirectory() as scratch:
        data, test = classroom(bank, seed, opened.names, Path(scratch))
        seen = list(checkpoints(Meter(opened, "training"), data, seed=seed, **given))
        cost = spent(catalog, "training").cost_usd
        ask = Meter(opened, "grading")
        first, last = graded(seen[0], data, test, ask), graded(seen[-1], data, test, ask)
        told = graded(told_all(ask, data, bank.instruction, seed), data, test, ask)
    gold = (test["gold"] / test["max_score"]).to_numpy(float)
    interval = paired_bootstrap(qwk, gold, last, first, groups=test["student"])
    return Gain(
        seed,
        qwk(gold, first),
        qwk(gold, last),
        interval.low,
        qwk(gold, told),
        len(seen),
        cost,
        time.monotonic() - begun,
    )


def told_all(ask: AskModel, data: GradingData, instruction: str, seed: int) -> Checkpoint:
    """What the first iteration makes of an instruction that says the hidden convention out."""
    config = LlmHyperparameters(seed=seed)
    begun = next(iter(checkpoints(ask, data, seed=seed)))
    program = replace(Program.from_json(begun.state["program"]), instruction=instruction)
    lesson = Lesson.of(data, config.minibatch, config.validation_answers, seed)
    measured = driven(measure(Asking(), lesson, program), ask)
    state = {**begun.state, "program": program.described(), "models": list(measured.models)}
    tensors = {"validation.shares": measured.shares, "validation.signs": measured.signs}
    return replace(begun, state=state, tensors={**begun.tensors, **tensors})


def measure_budget() -> str:
    """A training with a budget of tokens: how far beyond it the server was asked, in a sentence."""
    bank = make_bank(n_items=ITEMS, n_students=STUDENTS, seed=SEEDS[0])
    with models() as (opened, catalog), tempfile.TemporaryDirectory() as scratch:
        data, _ = classroom(bank, SEEDS[0], opened.names, Path(scratch))
        ask = Meter(opened, "training", Budget(tokens=BUDGET_TOKENS))
        last = list(checkpoints(ask, data, seed=SEEDS[0]))[-1]
        paid = spent(catalog, "training")
        n_tokens = paid.n_prompt_tokens + paid.n_completion_tokens
        chunk = ask.largest * n_tokens / paid.n_replies
        model = strategy(Kind.GRADING, "llm").finish(last, data)
    if last.state["ended"] != "budget" or n_tokens > BUDGET_TOKENS + chunk:
        raise SystemExit(f"a budget of {BUDGET_TOKENS} tokens was not kept: {n_tokens} were paid for")
    return (
        f"budget {BUDGET_TOKENS} tokens: {n_tokens} paid for, ended in iteration {last.iteration} with a "
        f"model of {len(model.files)} files (a chunk is about {chunk:.0f} tokens)"
    )


def measure_gain() -> dict[str, Any]:
    """Prints a line a seed; `qwk_gain_min` and `cost_usd` (of all trainings)."""
    print("held-out QWK    start   trained     gain  (low)   told all   iterations     cost   seconds")
    gains = []
    for seed in SEEDS:
        one = gain(seed)
        gains.append(one)
        print(
            f"  seed {seed}        {one.before:.3f}     {one.after:.3f}   {one.after - one.before:+.3f} "
            f"({one.low:+.2f})    {one.best_told:.3f}   {one.n_iterations:10}   ${one.cost_usd:.3f}   "
            f"{one.seconds:7.0f}",
            flush=True,
        )
    print(measure_budget())
    return {
        "qwk_gain_min": round(min(one.after - one.before for one in gains), 4),
        "cost_usd": round(sum(one.cost_usd for one in gains), 4),
    }


if __name__ == "__main__":
    print(measure_gain())
