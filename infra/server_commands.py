"""The commands that `trainyard up` runs, and the environments they need."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import SecretStr

from infra.processes import PATIENT_THREADS
from infra.running import Running, running
from infra.settings import PREFIX, Settings

LOOPBACK = "127.0.0.1"
WORK_POOL = "trainyard"
AUTH_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING"
"""Prefect's own: where it is set ("user:password"), our server asks every client for it."""
# A pool that says how its flow runs start: else each is preceded by a process that prepares its code, which
# is installed already (1.3 of 4 CPU s). Not there where Trainyard is installed without a checkout.
_POOL = Path(__file__).parent.parent / "deployments" / "work-pools" / "process.json"
# Measured on two busy cores: 10 to 18 s for Prefect, with its first migration up to a minute.
START_SECONDS = 180


def prefect_environment(settings: Settings) -> dict[str, str]:
    """The variables under which a Prefect process, or a flow in this one, uses this home's Prefect.

    With servers up (ours, or at `settings.prefect_api_url`) flows talk to them. Otherwise Prefect starts
    a temporary server on the same database, so that the pages show those flow runs later. Set them before
    Prefect is imported, and let variables that are there already win: a worker sets its own.
    """
    home = settings.home.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    here = running(settings.home)
    api_url = settings.prefect_api_url or (here.prefect_api_url if here else None)
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        **({"PREFECT_API_URL": api_url} if api_url else {}),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(START_SECONDS),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Another site's page in the same browser must not start flow runs.
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(settings.prefect_port)),
        # One record at a time costs 30 to 45 ms of server time a task run; in batches 8 to 11 ms.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        # How long a flow run waits that found its deployment's limit reached, less the 10 s by which workers
        # look ahead; 30 s by default.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "15",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_CLI_PROMPT": "false",
        **_past_the_proxy(),
        # Who guards the server with a word must have our clients say it.
        **({"PREFECT_API_AUTH_STRING": auth} if (auth := os.environ.get(AUTH_VARIABLE)) else {}),
    }


def without_ours() -> dict[str, str]:
    """This process's environment less Trainyard's variables: the servers need none of our keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _past_the_proxy() -> dict[str, str]:
    """Where a proxy is set, that it is not asked for the loopback."""
    if not any(os.environ.get(name) for each in ("http_proxy", "all_proxy") for name in (each, each.upper())):
        return {}
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    places = ",".join(filter(None, [given, LOOPBACK, "localhost"]))
    return {"NO_PROXY": places, "no_proxy": places}


def prefect_command(settings: Settings) -> list[str]:
    start = ["-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(settings.prefect_port)]
    return [sys.executable, *start]


def mlflow_command(settings: Settings) -> list[str]:
    port = str(settings.mlflow_port)
    return [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", port, "--workers", "1"]


def mlflow_environment(settings: Settings) -> dict[str, str]:
    """Addresses go by the environment: they may hold a password, and anyone may read a command line."""
    port = settings.mlflow_port
    return {
        **without_ours(),
        "MLFLOW_BACKEND_STORE_URI": settings.mlflow_tracking_uri,
        "MLFLOW_ARTIFACTS_DESTINATION": settings.mlflow_artifact_root,
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"localhost:{port},{LOOPBACK}:{port}",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(port)),
        # Its job runner is several more processes, for features that nothing here uses.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }


def worker_command() -> list[str]:
    """Run it in `worker_environment`: the pool that it makes starts flow runs by the `python` of the path."""
    start = ["-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"]
    pool = ["--base-job-template", str(_POOL)] if _POOL.is_file() else []
    return [sys.executable, *start, "--name", "trainyard-up", "--install-policy", "never", *pool]


def worker_environment(settings: Settings, servers: Running) -> dict[str, str]:
    """Flow runs inherit it: the servers that are up, and these settings wherever they came from.

    A flow run starts in another folder, where it would not find the `.env` that we read.
    """
    return {
        **dict([PATIENT_THREADS]),
        **os.environ,
        **prefect_environment(settings),
        **_as_variables(settings),
        "PREFECT_API_URL": servers.prefect_api_url,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        # How long what an event asks for waits for the worker to look, a third more at most; 10 s by default.
        "PREFECT_WORKER_QUERY_SECONDS": os.environ.get("PREFECT_WORKER_QUERY_SECONDS", "1"),
    }


def _as_variables(settings: Settings) -> dict[str, str]:
    variables = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"{PREFIX}{name.upper()}"] = plain
    return variables


def _origins(port: int) -> list[str]:
    return [f"http://{LOOPBACK}:{port}", f"http://localhost:{port}"]
