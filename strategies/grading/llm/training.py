"""Training of the strategy `llm`: the first iteration measures the instruction to begin with, each further
one is a round of the search, accepted only where the same answers say that it is better.

All is a function of (checkpoint, data, replies). What a checkpoint has accepted is measured on validation
in the same iteration, and kept in its tensors, so that finishing a model asks nobody.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from pydantic import Field

from domain.errors import StrategyError
from domain.identity import fingerprint
from domain.kinds import Kind
from strategies.base import (
    Checkpoint,
    Effect,
    GradingData,
    Hyperparameters,
    Outcome,
    Surroundings,
    TrainedModel,
)
from strategies.grading.llm.asking import Asking
from strategies.grading.llm.finishing import finished_model
from strategies.grading.llm.learning import LEAST_VALIDATION, Learnt, begun, improved
from strategies.grading.llm.lesson import Lesson
from strategies.grading.llm.measuring import metrics_of
from strategies.grading.llm.program import START, Program
from strategies.grading.llm.search import Search
from strategies.grading.material import scored

NO_KEY = (
    "no API key: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, TRAINYARD_GROQ_API_KEY or "
    "TRAINYARD_LLM_BASE_URL, or use --strategy transfer or native"
)
LEAST_TRAIN = 10


class LlmHyperparameters(Hyperparameters):
    """What a user may choose about the training of a language model's program."""

    iterations: int = Field(8, ge=1, le=1000, description="most rounds, the first measures the start")
    model: str = Field(
        "", pattern=r"^$|^[a-z]+:.+", description="provider:name that grades; empty for the settings'"
    )
    reflection_model: str = Field(
        "", pattern=r"^$|^[a-z]+:.+", description="provider:name that writes instructions; empty for the same"
    )
    minibatch: int = Field(
        32, ge=4, le=1000, description="answers of a minibatch; candidates are tried on up to three"
    )
    candidates: int = Field(4, ge=1, le=32, description="instructions asked for in a round")
    examples: int = Field(3, ge=0, le=20, description="worked examples shown with an answer")
    repeats: int = Field(
        1,
        ge=1,
        le=15,
        description="replies asked for each answer and averaged; grading costs as many times as much",
    )
    validation_answers: int = Field(
        200, ge=LEAST_VALIDATION, le=100_000, description="most validation answers to measure on"
    )
    temperature: float = Field(0.0, ge=0, le=2, description="of grading; repeats take at least 0.7")
    max_tokens: int = Field(1024, ge=64, le=100_000, description="most tokens of a reply")
    second_look: bool = Field(
        False,
        description="the finished grader marks answers again by the quoted words alone: stops what else in "
        "an answer sways it, for up to twice the requests and some more referrals",
    )
    patience: int = Field(3, ge=1, le=100, description="rounds without a better instruction before it stops")


class Llm:
    """See the package's docstring."""

    name = "llm"
    kind = Kind.GRADING
    objective = "qwk"
    Hyperparameters = LlmHyperparameters

    def needs(self, config: LlmHyperparameters, surroundings: Surroundings) -> str | None:
        return None if surroundings.language_models else NO_KEY

    def objection(self, config: LlmHyperparameters, data: GradingData) -> str | None:
        return self.needs(config, data.surroundings) or too_little(data)

    def start(self, config: LlmHyperparameters, data: GradingData) -> Checkpoint:
        return Checkpoint(0, config.model_dump())

    def iterate(self, checkpoint: Checkpoint, data: GradingData) -> Generator[Effect, Outcome, Checkpoint]:
        config = self.Hyperparameters(**checkpoint.config)
        lesson = Lesson.of(data, config.minibatch, config.validation_answers, config.seed)
        asking = Asking()
        if not checkpoint.state:
            learnt = yield from begun(asking, lesson, first_program(config, data))
        else:
            before = Learnt.of(checkpoint)
            search = Search(
                lesson=lesson,
                program=replace(before.program, repeats=1),
                minibatch=config.minibatch,
                n_candidates=config.candidates,
                reflection_model=config.reflection_model,
                seed=config.seed,
            )
            learnt = yield from improved(asking, search, before, checkpoint.iteration)
        return _checkpoint(checkpoint, config, lesson, learnt, asking)

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return None

    def finish(self, checkpoint: Checkpoint, data: GradingData) -> TrainedModel:
        if not checkpoint.state:
            raise StrategyError("strategy llm has graded nothing yet: train at least one iteration")
        config = self.Hyperparameters(**checkpoint.config)
        lesson = Lesson.of(data, config.minibatch, config.validation_answers, config.seed)
        return finished_model(checkpoint, lesson, data, config.model_dump())


def too_little(data: GradingData) -> str | None:
    """What is missing to learn an examiner's habits, in words; None if nothing is."""
    for split, least in (("train", LEAST_TRAIN), ("validation", LEAST_VALIDATION)):
        n = len(scored(data, split))
        if n < least:
            return (
                f"only {n} scored answers in the {split} split, at least {least} needed: add graded answers"
            )
    return None


def first_program(config: LlmHyperparameters, data: GradingData) -> Program:
    """The program before any training. Its salt hangs on what only who has the data can know."""
    texts = sorted(str(text) for text in data.answers["text"])
    return Program(
        instruction=START,
        salt=fingerprint(["fence", data.fingerprint, config.seed, texts]),
        n_examples=config.examples,
        repeats=config.repeats,
        temperature=config.temperature,
        model=config.model,
        max_tokens=config.max_tokens,
    )


def _checkpoint(
    before: Checkpoint, config: LlmHyperparameters, lesson: Lesson, learnt: Learnt, asking: Asking
) -> Checkpoint:
    number = before.iteration + 1
    metrics = {**metrics_of(lesson.validation, learnt.measured), "n_tokens": float(asking.n_tokens)}
    if asking.cost_usd is not None:
        metrics["cost_usd"] = round(asking.cost_usd, 9)
    value = metrics["qwk"]
    stop = number >= config.iterations or learnt.since_best >= config.patience or bool(learnt.ended)
    return Checkpoint(
        iteration=number,
        config=before.config,
        metrics=metrics,
        best=value if before.best is None else max(value, before.best),
        done=stop,
        state=learnt.state(),
        tensors=learnt.tensors(),
    )
