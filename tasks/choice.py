"""Which strategy trains: the one asked for, or the first that has no objection."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from prefect import task
from pydantic import ValidationError

from domain.errors import SettingError, StrategyError
from domain.kinds import Kind
from infra import catalog as records
from strategies.base import Hyperparameters, Strategy, Surroundings
from strategies.registry import strategies_of, strategy
from tasks.language_models import language_models
from tasks.materials import material_of
from tasks.outcome import Choice, Recipe
from tasks.policy import RETRIED, code_of
from tasks.spreading import spread_here
from tasks.workplace import workplace

log = logging.getLogger(__name__)


@task(task_run_name="choose strategy ({requested})", **RETRIED)
def choose_strategy(kind: str, dataset_id: str, requested: str, given: Sequence[str]) -> Choice:
    """The strategy and its hyperparameters: those `given` ("name=value") over its defaults.

    Raises StrategyError when the one asked for objects, or all do; SettingError for hyperparameters that
    the strategy does not have or that are out of bounds.
    """
    data = training_data(dataset_id)
    candidates = strategies_of(Kind(kind)) if requested == "auto" else [strategy(Kind(kind), requested)]
    passed_over: list[dict[str, str]] = []
    for candidate in candidates:
        config = configured(candidate, given)
        objection = candidate.objection(config, data)
        if objection is None:
            log.info("strategy: %s%s", candidate.name, "".join(map(_passed, passed_over)))
            return Choice(
                requested=requested,
                strategy=candidate.name,
                recipe=Recipe(
                    strategy=candidate.name,
                    config=config.model_dump(mode="json", exclude={"iterations"}),
                    code=code_of(type(candidate).__module__, "strategies.base", "tasks.training"),
                ),
                config=config.model_dump(mode="json"),
                passed_over=passed_over,
            )
        passed_over.append({"name": candidate.name, "objection": objection})
    reasons = "; ".join(f"{p['name']}: {p['objection']}" for p in passed_over)
    raise StrategyError(
        f"no strategy can train on this dataset: {reasons}" if len(passed_over) > 1 else reasons
    )


@task(task_run_name="check strategy ({requested})", **RETRIED)
def check_strategy(kind: str, requested: str, given: Sequence[str]) -> None:
    """What can be said of a strategy before there is any data: its name, hyperparameters, and its needs.

    Raises SettingError or StrategyError as `choose_strategy` would.
    """
    if requested == "auto":
        return
    asked = strategy(Kind(kind), requested)
    lacking = asked.needs(configured(asked, given), surroundings())
    if lacking is not None:
        raise StrategyError(lacking)


def _passed(one: Mapping[str, str]) -> str:
    return f" ({one['name']} passed over: {one['objection']})"


def configured(candidate: Strategy[Any], given: Sequence[str]) -> Hyperparameters:
    """The candidate's hyperparameters with the user's "name=value" over the defaults."""
    values: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingError(f"hyperparameter {pair!r} is not of the form name=value")
        values[name.strip()] = value.strip()
    try:
        return candidate.Hyperparameters(**values)
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(sorted(candidate.Hyperparameters.model_fields))
        raise SettingError(
            f"hyperparameter {'.'.join(map(str, first['loc']))}={first.get('input')!r} of strategy "
            f"{candidate.name}: {first['msg']}. It has: {known}"
        ) from error


def surroundings() -> Surroundings:
    """What a strategy may know of this place, its language models and helpers included."""
    near = workplace().surroundings()
    return replace(near, language_models=language_models().names, spread=spread_here())


@lru_cache(maxsize=2)
def training_data(dataset_id: str) -> Any:
    """The dataset as its kind's strategies see it: train and validation, never the test split."""
    place = workplace()
    dataset = records.dataset(place.catalog, place.settings.owner, dataset_id)
    return material_of(dataset.kind).training_data(place, dataset, surroundings())
