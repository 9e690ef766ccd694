"""What every report says of its job and its material."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JobFacts:
    """Which job it was and where its traces are. `created` is ISO 8601 in UTC; URLs are http(s)."""

    id: str
    created: str
    owner: str = ""
    flow_run_url: str = ""
    mlflow_run_url: str = ""
    model_name: str = ""
    model_version: str = ""
    model_alias: str = ""


@dataclass(frozen=True)
class Choice:
    """A strategy that was asked, in that order. `objection` is empty for one that could serve."""

    strategy: str
    objection: str = ""


@dataclass(frozen=True)
class Duplicate:
    """A file that says the same as another."""

    name: str
    equals: str


@dataclass(frozen=True)
class Problem:
    """A file or guide that could not be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Timing:
    step: str
    seconds: float
