"""The deployments of prefect.yaml, and the servers that they run on."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import tasks
from domain.errors import InputError, OutsideError, SettingError
from infra.running import Running
from infra.servers import WORK_POOL, running, up
from infra.settings import load_settings
from tasks.overview import show_job

log = logging.getLogger(__name__)

ROOT = Path(tasks.__file__).parent.parent


def serve(say: Callable[[str], None], job: str, browser: bool) -> None:
    """Servers and worker with every flow deployed, until Ctrl-C or SIGTERM; says where `job` is seen."""
    settings = load_settings()

    def ready(servers: Running) -> None:
        say(f"Prefect: {servers.prefect_url}\nMLflow:  {servers.mlflow_url}")
        for page, address in _pages_of(job).items():
            say(f"{page}: {address}")
            if browser:
                webbrowser.open(address)
        say(f"A worker of pool {WORK_POOL} runs what is asked for there. Ctrl-C stops all of it.")

    say("starting the Prefect server, the MLflow server and a worker ...")
    up(settings, deploy=lambda servers: _deploy(servers.prefect_api_url), ready=ready)


def _pages_of(job: str) -> dict[str, str]:
    """The pages of a job; none where there is no job yet."""
    try:
        shown = show_job(job)
    except InputError as nothing:
        log.debug("no pages of a job: %s", nothing)
        return {}
    named = {"MLflow run": shown["MLflow run"], "Prefect flow run": shown["flow run"]}
    return {f"{page} of job {shown['job'][:8]}": address for page, address in named.items() if address}


def deploy_all() -> str:
    """Puts every deployment of prefect.yaml on the server in use; doing it again changes nothing.

    Raises SettingError when no server is up or set.
    """
    settings = load_settings()
    here = running(settings.home)
    api_url = settings.prefect_api_url or (here.prefect_api_url if here else None)
    if api_url is None:
        raise SettingError(
            "no Prefect server is up: run trainyard up in another terminal, or set TRAINYARD_PREFECT_API_URL"
        )
    _deploy(api_url)
    return api_url


def _deploy(api_url: str) -> None:
    if not (ROOT / "prefect.yaml").exists():
        raise SettingError(f"{ROOT / 'prefect.yaml'} is missing: deploy from a checkout of Trainyard")
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=ROOT,
        env={**os.environ, "PREFECT_API_URL": api_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OutsideError(f"prefect deploy failed at {api_url}: {(done.stdout + done.stderr)[-2000:]}")
