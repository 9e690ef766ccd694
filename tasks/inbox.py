"""What became of each file of an inbox: told from the catalog, which knows it also after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import OutsideError, SettingError, TrainyardError
from domain.kinds import Role
from infra import catalog as records
from infra.bucket_inbox import is_bucket, open_bucket_inbox
from infra.catalog import Outcome, ParseOutcome
from infra.inbox import ROLE_FOLDERS, Inbox, Seen, open_inbox
from infra.settings import load_settings
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_OPTIONS = {
    Role.GUIDE: "guides",
    Role.SUBMISSION: "submissions",
    Role.ANSWERS: "answers",
    Role.IMAGES: "images",
}
_RAN = "trained on"
_NEWEST_RETRY_SECONDS = 300.0


@dataclass(frozen=True)
class Done:
    """What a batch of files led to. `error` is empty where a model and its report came of it."""

    dataset: str = ""
    job: str = ""
    report: str = ""
    error: str = ""


Run = Callable[[dict[str, str], str], Done]
"""Runs the whole road on folders by option ("guides", "images" …) for a dataset of that name."""


class Watch:
    """Serves an inbox, a batch at a time."""

    def __init__(self, inbox: Inbox, dataset: str, run: Run, say: Callable[[str], None]) -> None:
        self._inbox, self._dataset, self._run, self._say = inbox, dataset, run, say
        self._failures = 0

    def serve_once(self) -> bool:
        """Serves what is quiet and not yet done; whether there was something.

        Where the files are at fault that is told in inbox.csv, and the same files are not tried again before
        something changes; after anything else they are tried again, later and later (see `pause`). Raises
        SettingError.
        """
        batch: list[Seen] = []
        try:
            batch = self._inbox.batch()
            if not batch:
                return False
            self._say(f"{self._inbox.where}: {len(batch)} files are quiet and new")
            done = self._served(batch)
        except SettingError:
            # Nothing that time or the files could help: corrected and started again by whoever started us.
            raise
        except Exception as away:
            # A Prefect server that is down raises whatever its client does; a watcher outlives it.
            self._failures += 1
            reason = str(away) if isinstance(away, TrainyardError) else f"{type(away).__name__}: {away}"
            self._say(f"not now, tried again in {self.pause(0):.0f} s: {reason}")
            # A bucket that is away cannot be told either.
            with suppress(OutsideError):
                if batch:
                    self._inbox.tell(_rows(batch, {}, "waiting", f"tried again soon: {reason}"))
            return False
        self._failures = 0
        self._inbox.finish(batch, self._told(batch, done))
        return True

    def pause(self, usual_seconds: float) -> float:
        """Seconds until the next call: longer and longer while a neighbour does not answer."""
        return max(usual_seconds, min(_NEWEST_RETRY_SECONDS, 2.0**self._failures) if self._failures else 0.0)

    def _served(self, batch: Sequence[Seen]) -> dict[bool, Done]:
        """What came of the texts (False) and of the pictures (True) of the batch."""
        folders = self._inbox.lay_out(batch)
        self._inbox.tell(_rows(batch, {}, "in work", ""))
        done: dict[bool, Done] = {}
        texts = {_OPTIONS[role]: str(path) for role, path in folders.items() if role is not Role.IMAGES}
        pictures = {_OPTIONS[role]: _archive(path) for role, path in folders.items() if role is Role.IMAGES}
        for pictured, given in ((False, texts), (True, pictures)):
            if not given:
                continue
            name = f"{self._dataset}-images" if pictured else self._dataset
            try:
                done[pictured] = self._run(given, name)
            except (OutsideError, SettingError):
                raise
            except TrainyardError as error:
                self._say(f"{name}: {error}")
                done[pictured] = Done(dataset=name, error=str(error))
        return done

    def _told(self, batch: Sequence[Seen], done: Mapping[bool, Done]) -> list[dict[str, str]]:
        known = known_files(workplace())
        rows = []
        for one in batch:
            came = done.get(one.role is Role.IMAGES, Done())
            rows.append(row_of(one, known.get((one.role, one.name.partition("/")[2])), came))
        return rows


def _archive(folder: Path) -> str:
    """The one archive or table that lies in the folder, or the folder itself with its class folders."""
    inside = sorted(folder.iterdir())
    return str(inside[0] if len(inside) == 1 and inside[0].is_file() else folder)


def known_files(place: Workplace) -> dict[tuple[Role | None, str], tuple[str, str]]:
    """(role, name) → (outcome, reason) of every file that was ever read under that name."""
    owner = place.settings.owner
    problems = {
        row.document_id: (row.outcome, "; ".join(row.problems))
        for row in records.unparsed(place.catalog, owner)
    }
    known: dict[tuple[Role | None, str], tuple[str, str]] = {}
    for file in records.files(place.catalog, owner).to_dict("records"):
        outcome, reason = str(file["outcome"]), str(file["reason"] or "")
        if outcome == Outcome.DUPLICATE:
            reason = f"says the same as {file['equals']}"
        elif file["document_id"] in problems:
            state, reason = problems[file["document_id"]]
            outcome = "waiting" if state is ParseOutcome.WAITING else "not used"
        elif outcome == Outcome.DOCUMENT:
            outcome = _RAN
        known[Role(file["role"]), str(file["name"])] = outcome, reason
    return known


def row_of(seen: Seen, known: tuple[str, str] | None, done: Done) -> dict[str, str]:
    """The line of inbox.csv on a file."""
    if seen.role is None:
        where = ", ".join(f"{name}/" for name in ROLE_FOLDERS)
        return _row(seen, "not used", f"put it into one of {where}")
    outcome, reason = known or (_RAN, "")
    if outcome == _RAN and done.error:
        outcome, reason = "waiting", done.error
    used = outcome in (_RAN, Outcome.DUPLICATE)
    return _row(seen, outcome, reason, done if used else Done())


def _rows(
    batch: Sequence[Seen], done: Mapping[bool, Done], outcome: str, reason: str
) -> list[dict[str, str]]:
    return [_row(one, outcome, reason, done.get(one.role is Role.IMAGES, Done())) for one in batch]


def _row(seen: Seen, outcome: str, reason: str, done: Done = Done()) -> dict[str, str]:
    return {
        "file": seen.name,
        "outcome": outcome,
        "reason": reason,
        "dataset": done.dataset,
        "job": done.job[:8],
        "report": done.report,
    }


@contextmanager
def watching(
    place: str,
    dataset: str,
    quiet_seconds: float,
    patience_seconds: float,
    run: Run,
    say: Callable[[str], None],
) -> Iterator[Watch]:
    """The folder, or the prefix of an object store, as an inbox that this process alone serves."""
    home = load_settings().home
    inbox = (
        open_bucket_inbox(place, home, quiet_seconds, patience_seconds)
        if is_bucket(place)
        else open_inbox(Path(place), home, quiet_seconds, patience_seconds)
    )
    with inbox.alone():
        yield Watch(inbox, dataset, run, say)


def done_of(outcome: Mapping[str, Any]) -> Done:
    """What a pipeline's outcome came to."""
    return Done(
        dataset=outcome["prepare"]["dataset"]["name"],
        job=outcome["train"]["job_id"],
        report=outcome["report"]["html"],
    )
