"""How MLflow is reached: one client for one address, its chatter off, its errors translated."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from domain.errors import FullError, InputError, OutsideError, SettingError
from infra.addresses import masked
from infra.full_disks import is_full

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    # The defaults wait for a dead server for several minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # With a server as its address it prints to stdout, among results.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Our requirements are pinned by name; a uv.lock in the user's folder has nothing to say.
    "MLFLOW_UV_AUTO_DETECT": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


_FULL = "MLflow at {shown} has no room left on its disk ({reason}): make room there, and run again"


def quieten() -> None:
    """Sets MLflow's telemetry, chatter and pickle off. Before MLflow is imported: it reads them then."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # It tells of an error, with a traceback, and raises it too: who catches it has the better words.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def open_client(tracking_uri: str) -> Any:
    """An MlflowClient for `tracking_uri` and its registry; makes the database if it is a SQLite file."""
    quieten()
    with asking(tracking_uri), _alone(tracking_uri):
        from mlflow import MlflowClient

        quieten()  # MLflow's own set-up has just raised its log level again
        database = _sqlite_file(tracking_uri)
        if database is not None and not _is_there(database):
            _make_whole(database)
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _make_whole(database: Path) -> None:
    """Makes MLflow's tables in a draft and moves it into place: killed half-way, it would be beyond use."""
    from mlflow import MlflowClient

    draft = database.with_name(f".{database.name}.draft")
    for left_behind in database.parent.glob(f"{draft.name}*"):
        left_behind.unlink()
    MlflowClient(tracking_uri=f"sqlite:///{draft}", registry_uri=f"sqlite:///{draft}").search_experiments()
    with contextlib.closing(sqlite3.connect(draft)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    draft.replace(database)


def _is_there(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def make_database(tracking_uri: str) -> None:
    """Makes MLflow's tables where `tracking_uri` is a SQLite file that is not there yet.

    For those who start an MLflow of their own on it: only our lock keeps two from making it at once.
    """
    database = _sqlite_file(tracking_uri)
    if database is None:
        return
    with _alone(tracking_uri):
        there = _is_there(database)
    if not there:
        open_client(tracking_uri)


@contextmanager
def _alone(tracking_uri: str) -> Iterator[None]:
    """Holds a lock beside a SQLite file: MLflow makes its tables in it without one, and two at once fail."""
    database = _sqlite_file(tracking_uri)
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sqlite_file(tracking_uri: str) -> Path | None:
    parts = urlsplit(tracking_uri)
    return Path(parts.path.removeprefix("/")) if parts.scheme == "sqlite" else None


@contextmanager
def asking(tracking_uri: str) -> Iterator[None]:
    """Translates MLflow's errors: OutsideError is the default, since most are the store's troubles."""
    from mlflow.exceptions import MlflowException

    shown = masked(tracking_uri)
    try:
        yield
    except MlflowException as error:
        reason = masked(str(error).strip().split("\n")[0])[:300]
        code = error.error_code
        if is_full(error):
            raise FullError(_FULL.format(shown=shown, reason=reason)) from error
        if "out-of-date database schema" in str(error):
            raise SettingError(
                f"the MLflow database {shown} is behind this MLflow: back it up, then run "
                f"`mlflow db upgrade {shown}`"
            ) from error
        if code in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"}:
            raise InputError(f"MLflow at {shown} refuses: {reason}") from error
        if code in {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}:
            raise SettingError(
                f"MLflow at {shown} refuses the credentials ({reason}): correct MLFLOW_TRACKING_USERNAME, "
                "MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN"
            ) from error
        raise OutsideError(
            f"MLflow at {shown} did not answer ({reason}): start it, or correct TRAINYARD_MLFLOW_TRACKING_URI"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        reason = masked(str(error).strip().split("\n")[0])[:300]
        if is_full(error):
            raise FullError(_FULL.format(shown=shown, reason=reason)) from error
        raise OutsideError(
            f"MLflow at {shown} cannot be used ({reason}): correct TRAINYARD_MLFLOW_TRACKING_URI or "
            "TRAINYARD_MLFLOW_ARTIFACT_ROOT, or free the file"
        ) from error
