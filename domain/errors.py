"""The one tree of errors, and what each branch means to the person who reads it.

    TrainyardError                 ours: the message alone is shown, exit code 1
    ├── InputError                 a file, row or field given by the user cannot be used
    ├── ContractError              too many rows failed the contract between two steps
    ├── SettingError               a setting is missing, wrong or does not fit another
    ├── StrategyError              a strategy cannot train on this data, or its training failed
    ├── StoppedError               someone asked for the work to end; what was finished is kept
    ├── ReplyError                 a language model gave no usable reply (that row alone fails)
    └── OutsideError               a neighbour (database, server, store) did not answer: alone retried
        ├── FullError              its disk is full: someone has to make room, so it is not retried
        └── ModelAwayError         no language model or embeddings server answered: another strategy may do

A message names the thing, the value and the remedy.
"""

from __future__ import annotations


class TrainyardError(Exception):
    """Base of every error that Trainyard raises on purpose."""


class InputError(TrainyardError):
    """A file, row or field given by the user cannot be used."""


class ContractError(TrainyardError):
    """More rows failed a contract than `max_reject_share` allows."""


class SettingError(TrainyardError):
    """A setting is missing, out of bounds or contradicts another."""


class StrategyError(TrainyardError):
    """A strategy cannot serve, or its training failed for good."""


class StoppedError(TrainyardError):
    """The work was asked to end before it was done. Running it again goes on from what is kept."""


class ReplyError(TrainyardError):
    """A request to a language model has no usable reply; only the row that asked fails.

    `kind`: "unreadable" (after a repair turn), "refused" (by the model), "rejected" (by the server: too
    long, not allowed), "unavailable" (no answer in time), "budget" (not asked: the money is spent).
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReplyError) and (self.args, self.kind) == (other.args, other.kind)

    def __hash__(self) -> int:
        return hash((self.args, self.kind))


class OutsideError(TrainyardError):
    """Something outside this process did not answer; the only error that is retried."""


class FullError(OutsideError):
    """A disk is full. Trying again does not help until someone has made room; then all goes on."""


class ModelAwayError(OutsideError):
    """The models that a strategy asks did not answer. One that asks nobody can train all the same."""
