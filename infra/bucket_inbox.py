"""An inbox in an object store: a prefix of a bucket that is looked at again and again.

    s3://bucket/inbox/guides/ submissions/ answers/ images/    what people put there
    s3://bucket/inbox/inbox.csv                                what became of each file, written by us

Objects appear whole or not at all. What is new of a batch is fetched once; the copies lie in the home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domain.errors import InputError, OutsideError, SettingError
from domain.identity import fingerprint
from infra.inbox import STATUS_FILE, Inbox, Seen, is_left_out

_STAMPS = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "created")
"""What providers say of an object that changes when it does."""
_LONGEST_PART = 200
"""Bytes; file systems take 255."""


def is_bucket(place: str) -> bool:
    return "://" in place


def open_bucket_inbox(url: str, home: Path, quiet_seconds: float, patience_seconds: float) -> BucketInbox:
    """The inbox at an fsspec URL. Raises InputError for one that nothing serves."""
    try:
        import fsspec

        system, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise SettingError(f"{url} needs a package that is not installed: {error}") from error
    except ValueError as error:
        raise InputError(
            f"{url} is served by no file system ({error}): give a folder, or a URL such as s3://bucket/inbox"
        ) from error
    return BucketInbox(url.rstrip("/"), system, root, home.resolve(), quiet_seconds, patience_seconds)


class BucketInbox(Inbox):
    """See the module's docstring. Raises OutsideError where the store does not answer."""

    def __init__(
        self, url: str, system: Any, root: str, home: Path, quiet_seconds: float, patience_seconds: float
    ) -> None:
        super().__init__(Path(url), home, quiet_seconds, patience_seconds)
        self.where = url
        self._system, self._root = system, root.rstrip("/")
        self._place = home / "inboxes" / fingerprint(url)[:16]
        self._copies = self._place / "copies"

    def _look(self) -> Iterable[Seen]:
        try:
            # What a client remembers of a listing would hide what was just put there.
            self._system.invalidate_cache()
            found: dict[str, Any] = self._system.find(self._root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:
            raise self._away(error) from error
        seen = {}
        for path, info in found.items():
            name = path.removeprefix(self._root).removeprefix("/")
            if is_safe(name) and not is_left_out(name):
                seen[name] = Seen(name, int(info.get("size") or 0), _stamp(info))
        # A key may also be the beginning of another, which no file and folder can be.
        parents = {str(parent) for name in seen for parent in Path(name).parents}
        return [seen[name] for name in sorted(seen) if name not in parents]

    def _bring(self, one: Seen, target: Path) -> bool:
        copy = self._copies / fingerprint([one.name, one.size_bytes, one.changed_ns])
        target.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            self._copies.mkdir(parents=True, exist_ok=True)
            arriving = copy.with_suffix(".part")
            try:
                self._system.get_file(f"{self._root}/{one.name}", str(arriving))
            except FileNotFoundError:
                arriving.unlink(missing_ok=True)
                return False
            except Exception as error:
                raise self._away(error) from error
            arriving.replace(copy)
        os.link(copy, target)
        return True

    def _publish(self, status: str) -> None:
        try:
            self._system.pipe_file(f"{self._root}/{STATUS_FILE}", status.encode())
        except Exception as error:
            raise self._away(error) from error

    def finish(self, batch: Any, rows: Any) -> None:
        """As an inbox does; and the copies of what is no longer there go."""
        super().finish(batch, rows)
        kept = {fingerprint([one.name, one.size_bytes, one.changed_ns]) for one in batch}
        for copy in self._copies.glob("*"):
            if copy.name not in kept:
                copy.unlink(missing_ok=True)
        shutil.rmtree(self._place / "batch", ignore_errors=True)

    def _away(self, error: Exception) -> OutsideError:
        return OutsideError(
            f"{self.where} did not answer ({type(error).__name__}: {error}): check the network, the "
            "credentials and the address"
        )


def is_safe(name: str) -> bool:
    """Whether a key can be the path of a file below a folder of ours, and of no other."""
    parts = name.split("/")
    return "\0" not in name and all(
        part not in ("", ".", "..") and len(part.encode("utf-8", "replace")) <= _LONGEST_PART
        for part in parts
    )


def _stamp(info: dict[str, Any]) -> int:
    told = [str(info[name]) for name in _STAMPS if info.get(name) is not None]
    return int(fingerprint(told)[:15], 16)
