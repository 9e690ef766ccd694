import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.errors import SettingError
from infra.logs import OURS, set_up_logging
from infra.settings import load_settings, unknown_variables


def test_everything_kept_lies_in_home_unless_told_otherwise(home: Path) -> None:
    settings = load_settings()
    assert settings.home == home
    assert settings.catalog_url == f"sqlite:///{home}/catalog.db"
    assert settings.store_url == f"{home}/store"
    assert settings.mlflow_tracking_uri == f"sqlite:///{home}/mlflow.db"


def test_the_environment_comes_before_the_env_file_and_that_before_defaults(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text("TRAINYARD_WORKERS=3\nTRAINYARD_OWNER=school\n")
    monkeypatch.setenv("TRAINYARD_OWNER", "faculty")
    settings = load_settings()
    assert (settings.workers, settings.owner, settings.chunk_size) == (3, "faculty", 1000)
    shown = settings.shown()
    sources = [shown[f"TRAINYARD_{name}"].source for name in ("WORKERS", "OWNER", "CHUNK_SIZE")]
    assert sources == [".env", "environment", "default"]


def test_an_empty_variable_is_as_good_as_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_OPENAI_API_KEY", "")
    assert load_settings().openai_api_key is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRAINYARD_MAX_REJECT_SHARE", "1.2"),
        ("TRAINYARD_MAX_REJECT_SHARE", "nan"),
        ("TRAINYARD_PREFECT_PORT", "prefect"),
        ("TRAINYARD_WORKERS", "0"),
        ("TRAINYARD_DEVICE", "gpu"),
        ("TRAINYARD_LOG_LEVEL", "LOUD"),
        ("TRAINYARD_EMBEDDINGS_BASE_URL", "localhost:8000"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_a_remedy(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError) as told:
        load_settings()
    assert variable in str(told.value)
    assert repr(value) in str(told.value)
    assert "unset it for the default" in str(told.value)


def test_every_wrong_value_is_told_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_WORKERS", "0")
    monkeypatch.setenv("TRAINYARD_DEVICE", "gpu")
    with pytest.raises(SettingError, match=r"WORKERS[\s\S]*DEVICE"):
        load_settings()


def test_an_unknown_variable_is_told_with_the_nearest_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_OPENAI_KEY", "sk-x")
    Path(".env").write_text("TRAINYARD_HOEM=/elsewhere\n")
    assert unknown_variables() == (
        "TRAINYARD_HOEM is not a setting: did you mean TRAINYARD_HOME?",
        "TRAINYARD_OPENAI_KEY is not a setting: did you mean TRAINYARD_OPENAI_API_KEY?",
    )


def test_an_env_file_that_is_not_text_is_named(home: Path) -> None:
    Path(".env").write_bytes(b"TRAINYARD_OWNER=\xff\xfe")
    with pytest.raises(SettingError, match=r"\.env cannot be read"):
        load_settings()


def test_secrets_are_shown_only_as_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_OPENAI_API_KEY", "sk-do-not-tell")
    monkeypatch.setenv("TRAINYARD_CATALOG_URL", "postgresql://me:do-not-tell@db/catalog")
    settings = load_settings()
    shown = settings.shown()
    assert shown["TRAINYARD_OPENAI_API_KEY"].value == "set"
    assert shown["TRAINYARD_GROQ_API_KEY"].value == "not set"
    assert shown["TRAINYARD_CATALOG_URL"].value == "postgresql://me:…@db/catalog"
    assert "do-not-tell" not in f"{settings!r} {settings} {shown}"
    assert settings.secrets() == ("sk-do-not-tell", "do-not-tell")


def test_settings_cannot_be_changed_after_loading(home: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().owner = "someone else"


def test_no_secret_reaches_the_log_in_message_argument_or_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logging("INFO", ["sk-do-not-tell"])
    log = logging.getLogger("infra.somewhere")
    log.info("asked with %s", "sk-do-not-tell")
    try:
        raise ValueError("header Bearer sk-do-not-tell")
    except ValueError:
        log.exception("refused")
    written = capsys.readouterr().err
    assert "asked with (hidden)" in written
    assert "header Bearer (hidden)" in written
    assert "do-not-tell" not in written


def test_set_up_twice_logs_once_and_others_only_warn(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    set_up_logging("INFO")
    logging.getLogger("tasks.ingest").info("read 3 files")
    logging.getLogger("somelibrary").info("chatter")
    logging.getLogger("tasks.ingest").debug("detail")
    captured = capsys.readouterr()
    assert captured.err.count("read 3 files") == 1
    assert "chatter" not in captured.err
    assert "detail" not in captured.err
    assert captured.out == ""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Gives the loggers back as they were: another test may listen to them."""
    loggers = [logging.getLogger(), *map(logging.getLogger, OURS)]
    before = [(list(one.handlers), one.level, one.propagate) for one in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
