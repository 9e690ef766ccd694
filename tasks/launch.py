"""What must happen before Prefect is imported: settings read, its environment set, logging on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.logs import set_up_logging
from infra.servers import prefect_environment, running
from infra.settings import Settings, load_settings


@dataclass(frozen=True)
class Pages:
    """Where the pages are; `up` says whether servers answer there now."""

    prefect: str
    mlflow: str
    up: bool


def launch() -> Settings:
    """Readies this process to run flows: against the servers that are up, or a temporary one."""
    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    for name, value in prefect_environment(settings).items():
        os.environ.setdefault(name, value)
    # What tasks say shows on a flow run's page too; Prefect's own lines stay off the terminal.
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "tasks")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    set_up_logging(settings.log_level, settings.secrets())
    return settings


def pages() -> Pages:
    """The addresses of the Prefect and MLflow pages for the settings in force."""
    settings = load_settings()
    here = running(settings.home)
    return Pages(
        prefect=f"http://127.0.0.1:{settings.prefect_port}",
        mlflow=f"http://127.0.0.1:{settings.mlflow_port}",
        up=here is not None,
    )


def absolute(path: str) -> str:
    """A path that means the same in a worker, which starts elsewhere."""
    return str(Path(path).expanduser().resolve()) if path else ""
