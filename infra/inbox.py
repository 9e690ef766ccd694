"""A folder that files are dropped into: what lies there, when it is quiet, and what was done with it.

    FOLDER/guides/ submissions/ answers/ images/     what people drop
    FOLDER/inbox.csv                                 what became of each file, written by us

Files stay where they are dropped, so that a crash at any moment leaves nothing half moved, and the folder is
always the whole material. The folder is looked at again and again instead of asking the system for events:
that works on network drives too, and a look at a thousand files costs milliseconds.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InputError
from domain.identity import fingerprint
from domain.kinds import Role

ROLE_FOLDERS = {
    "guides": Role.GUIDE,
    "submissions": Role.SUBMISSION,
    "answers": Role.ANSWERS,
    "images": Role.IMAGES,
}
STATUS_FILE = "inbox.csv"
COLUMNS = ("file", "outcome", "reason", "dataset", "job", "report")
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart", "~")
"""Ends of names under which browsers and copying programs keep what is not whole yet."""


@dataclass(frozen=True)
class Seen:
    """A file as it was seen: its path below the inbox with slashes, bytes, and when it was changed.

    `changed_ns` is the time in ns, or in a bucket a number that is another when the object is.
    """

    name: str
    size_bytes: int
    changed_ns: int

    @property
    def role(self) -> Role | None:
        """None for a file that lies in none of the folders."""
        folder, _, rest = self.name.partition("/")
        return ROLE_FOLDERS.get(folder) if rest else None


class Inbox:
    """One inbox. A file is quiet once `quiet_seconds` have passed since it was last seen to change.

    `where` is what people call it; `infra.bucket_inbox` has one that is no folder.
    """

    def __init__(self, folder: Path, home: Path, quiet_seconds: float, patience_seconds: float) -> None:
        self.folder = folder
        self.where = str(folder)
        self._quiet, self._patience = quiet_seconds, patience_seconds
        self._place = home / "inboxes" / fingerprint(str(folder))[:16]
        self._still_since: dict[Seen, float] = {}
        self._waiting_since: float | None = None

    def batch(self, moment: float | None = None) -> list[Seen]:
        """The quiet files when there is something to do with them, else [].

        That is when all are quiet and they are not what was done last. Files that never come to rest hold
        the others up for `patience_seconds` at most. `moment` is of the monotonic clock.
        """
        moment = time.monotonic() if moment is None else moment
        seen = list(self._look())
        self._still_since = {one: self._still_since.get(one, moment) for one in seen}
        quiet = [one for one in seen if moment - self._still_since[one] >= self._quiet]
        if not any(one.role for one in quiet) or identity(quiet) == self._done():
            self._waiting_since = moment if len(quiet) < len(seen) else None
            return []
        if len(quiet) < len(seen):
            self._waiting_since = moment if self._waiting_since is None else self._waiting_since
            if moment - self._waiting_since < self._patience:
                return []
        self._waiting_since = None
        return quiet

    def lay_out(self, batch: Sequence[Seen]) -> dict[Role, Path]:
        """Folders with exactly the batch, by role: what is dropped from now on is the next batch's.

        Files are linked, and copied only where they cannot be, so that nothing is read twice. One that has
        gone meanwhile is left out.
        """
        laid = self._place / "batch"
        shutil.rmtree(laid, ignore_errors=True)
        roles = {one.role for one in batch if one.role and self._bring(one, laid / one.name)}
        return {role: laid / name for name, role in ROLE_FOLDERS.items() if role in roles}

    def finish(self, batch: Sequence[Seen], rows: Sequence[Mapping[str, str]]) -> None:
        """Tells people what became of the batch, then notes that it is done: a crash before repeats it."""
        self.tell(rows)
        self._place.mkdir(parents=True, exist_ok=True)
        _write(self._place / "done.json", json.dumps({"done": identity(batch)}))

    def tell(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Writes `inbox.csv` anew, whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
        # With a mark, so that spreadsheets read names in other scripts as they are.
        self._publish("\ufeff" + text.getvalue())

    def _look(self) -> Iterable[Seen]:
        return look(self.folder)

    def _bring(self, one: Seen, target: Path) -> bool:
        """Whether the file is still there, and now at `target` too."""
        return _link(self.folder / one.name, target)

    def _publish(self, status: str) -> None:
        _write(self.folder / STATUS_FILE, status)

    def _done(self) -> str:
        try:
            return str(json.loads((self._place / "done.json").read_text())["done"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps a second watcher off, as long as this process lives. Raises InputError where one is there."""
        self._place.mkdir(parents=True, exist_ok=True)
        with (self._place / "watched").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as taken:
                raise InputError(
                    f"{self.where} is being watched by another process already: stop that one first"
                ) from taken
            yield


def open_inbox(folder: Path, home: Path, quiet_seconds: float, patience_seconds: float) -> Inbox:
    """The inbox at `folder`, its folders made where they are missing. Raises InputError for a file."""
    folder = folder.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder to watch")
    try:
        for name in ROLE_FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise InputError(f"{folder} cannot be made an inbox ({refused}): give a folder you own") from refused
    return Inbox(folder, home.resolve(), quiet_seconds, patience_seconds)


def look(folder: Path) -> Iterator[Seen]:
    """Every file of the inbox by name. Hidden files, links, unfinished downloads and our own are left out."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            below = path.relative_to(folder).as_posix()
            if path.is_symlink() or is_left_out(below):
                continue
            try:
                told = path.stat()
            except OSError:
                # Moved away between the listing and the look.
                continue
            yield Seen(below, told.st_size, told.st_mtime_ns)


def is_left_out(name: str) -> bool:
    """Of a path below the inbox: whether it is our own file, hidden, or not whole yet."""
    last = name.rpartition("/")[2]
    unfinished = last.startswith((".", "~$")) or last.lower().endswith(_UNFINISHED)
    return unfinished or name in (STATUS_FILE, f"{STATUS_FILE}.new")


def identity(batch: Sequence[Seen]) -> str:
    """Names a batch by what can be seen of it without reading."""
    return fingerprint(sorted([one.name, one.size_bytes, one.changed_ns] for one in batch))


def _link(source: Path, target: Path) -> bool:
    """Whether the file is there, and now at `target` too."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        return False
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without links.
        shutil.copy2(source, target)
    return True


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _harmless(value: str) -> str:
    """A cell that a spreadsheet does not run as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t") else value
