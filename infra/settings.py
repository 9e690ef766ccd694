"""The settings: `TRAINYARD_*` in the environment, then `.env` in the current folder, then defaults."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import SettingError

PREFIX = "TRAINYARD_"
_DOTENV = Path(".env")
_PASSWORD = re.compile(r"(?P<head>://[^/@:]*):[^/@]+@")


def _cores() -> int:
    """Cores that this process may use, which a container can limit below the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_home(name: str, scheme: str = "") -> Any:
    return Field(default_factory=lambda data: f"{scheme}{data['home'] / name}")


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[str | None, Field(pattern=r"^https?://")]
Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


class Settings(BaseSettings):
    """Where things are and how carefully to work. Each field is the variable `TRAINYARD_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(Path("~/.trainyard"), validate_default=True, description="folder of everything kept")
    owner: str = Field("local", min_length=1, description="whose documents these are")
    catalog_url: str = _in_home("catalog.db", "sqlite:///")
    store_url: str = _in_home("store")
    mlflow_tracking_uri: str = _in_home("mlflow.db", "sqlite:///")
    mlflow_artifact_root: str = _in_home("mlartifacts")
    prefect_api_url: str | None = Field(None, description="a running Prefect server; found if not set")
    prefect_port: Port = 4200
    mlflow_port: Port = 5000
    max_reject_share: Share = Field(0.05, description="share of rows that may fail a contract")
    promised_agreement: Share | None = Field(
        None,
        description="share of automatic grades that agree; unset: as a second examiner does, else 0.9",
    )
    promised_accuracy: Share = Field(0.95, description="share of automatic labels of pictures that are right")
    agreement_tolerance: Share = Field(0.1, description="distance that still agrees, as a share of max_score")
    workers: int = Field(default_factory=_cores, ge=1, le=1024, description="processes for extraction")
    reader_seconds: float = Field(180.0, gt=0, le=3600, description="how long reading one file may take")
    reader_memory_mb: int = Field(2048, ge=256, le=65_536, description="memory that reading a file may take")
    sandbox_without: str = Field(
        "",
        description="walls and properties that generated networks are traced without where this system lacks "
        "them, as landlock,root; what each means: infra/sandbox/properties.py",
    )
    chunk_size: int = Field(1000, ge=1, le=100_000, description="documents in one task run")
    task_runner: Literal["threads", "dask"] = Field(
        "threads", description="where task runs work: threads of the flow's process, or workers of Dask"
    )
    dask_scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls)://[^/\s]+:\d+$",
        description="Dask's scheduler, as tls://host:8786; unset: workers on this machine",
    )
    dask_files: Literal["sent", "shared"] = Field(
        "sent", description="how files reach a scheduler's workers: through the store, or as a shared folder"
    )
    lock_seconds: float = Field(30.0, gt=0, le=3600, description="how long to wait for a locked catalog")
    time_limit_seconds: float | None = Field(
        None, gt=0, description="how long train and pipeline may take; they end so that they can be resumed"
    )
    log_level: Level = "INFO"
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="what torch trains on")
    openai_api_key: SecretStr | None = None
    deepseek_api_key: SecretStr | None = None
    groq_api_key: SecretStr | None = None
    openai_base_url: Address = Field(None, description="in place of OpenAI's own address")
    deepseek_base_url: Address = Field(None, description="in place of DeepSeek's own address")
    groq_base_url: Address = Field(None, description="in place of Groq's own address")
    llm_base_url: Address = Field(None, description="of any server that speaks OpenAI's protocol")
    llm_api_key: SecretStr | None = Field(None, description="for TRAINYARD_LLM_BASE_URL, where it needs one")
    llm_models: str = Field(
        "",
        description="language models in the order in which they are asked, as openai:NAME,groq:NAME "
        "(providers: openai, deepseek, groq, compatible); unset: what the price file recommends",
    )
    llm_price_file: Path | None = Field(None, description="TOML with your prices, over the built-in ones")
    llm_budget_usd: float | None = Field(None, gt=0, description="most that a job may spend on models")
    llm_budget_tokens: int | None = Field(None, gt=0, description="most tokens that a job may pay for")
    llm_concurrency: int = Field(16, ge=1, le=1024, description="requests under way at once")
    llm_requests_per_minute: int | None = Field(
        None, gt=0, description="unset: what the server's headers say"
    )
    llm_tokens_per_minute: int | None = Field(None, gt=0, description="unset: what the server says")
    llm_timeout_seconds: float = Field(120.0, gt=0, le=3600, description="how long one request may take")
    llm_deadline_seconds: float = Field(
        900.0, gt=0, le=86_400, description="how long a reply is tried for, retries and waits included"
    )
    model_parsing: Literal["off", "review", "accept-verified"] = Field(
        "off",
        description="whether a language model reads guides too: review shows its findings to a person, "
        "accept-verified also takes guides that only it can read, once every word and mark is found in them",
    )
    written_report: Literal["auto", "never", "always"] = Field(
        "auto",
        description="whether a language model writes a text for each report: auto, if the job asked one "
        "anyway; always, if one is set up",
    )
    embeddings_base_url: Address = Field(None, description="of an OpenAI-like API")
    embeddings_api_key: SecretStr | None = None

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        # Workers and servers run in other folders than the command that starts them.
        return home.expanduser().absolute()

    @property
    def sends_files(self) -> bool:
        """Whether workers get files through the store."""
        return self.task_runner == "dask" and self.dask_scheduler is not None and self.dask_files == "sent"

    def shown(self) -> dict[str, Shown]:
        """Every setting by its variable's name, without secrets."""
        environment, dotenv = _given(os.environ), _given(_dotenv())
        shown = {}
        for name in type(self).model_fields:
            variable = f"{PREFIX}{name.upper()}"
            source: Source = "default"
            if environment.get(variable):
                source = "environment"
            elif dotenv.get(variable):
                source = ".env"
            shown[variable] = Shown(_said(name, getattr(self, name)), source)
        return shown

    def __repr_args__(self) -> Iterator[tuple[str, str]]:
        # A database's URL carries its password.
        yield from ((name, _said(name, getattr(self, name))) for name in type(self).model_fields)

    def secrets(self) -> tuple[str, ...]:
        """The values that must not appear anywhere: keys, and passwords inside URLs."""
        values = [getattr(self, name) for name in type(self).model_fields]
        keys = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        passwords = [
            match[0][len(match["head"]) + 1 : -1]
            for value in values
            if isinstance(value, str) and (match := _PASSWORD.search(value))
        ]
        return tuple(secret for secret in keys + passwords if secret)


Source = Literal["environment", ".env", "default"]


@dataclass(frozen=True)
class Shown:
    """A setting for people: a secret's `value` is "set" or "not set"."""

    value: str
    source: Source


def load_settings() -> Settings:
    """The settings in force. Raises SettingError that names each wrong variable, its value and the remedy."""
    try:
        return Settings(_env_file=_DOTENV)
    except ValidationError as error:
        # `from None`: pydantic's own text repeats the values, keys included.
        raise SettingError("\n".join(_complaint(told) for told in error.errors() if told["loc"])) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{_DOTENV.absolute()} cannot be read ({error}): correct or remove it") from error


def unknown_variables() -> tuple[str, ...]:
    """A warning for each `TRAINYARD_*` variable that is no setting, with the setting it may have meant."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    given = {**_given(_dotenv()), **_given(os.environ)}
    warnings = []
    for variable in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(variable, known, 1, 0.6)
        remedy = f"did you mean {near[0]}?" if near else "`trainyard config` lists the settings"
        warnings.append(f"{variable} is not a setting: {remedy}")
    return tuple(warnings)


def _complaint(told: Any) -> str:
    name = str(told["loc"][0])
    field = Settings.model_fields[name]
    value = "(hidden)" if "SecretStr" in str(field.annotation) else repr(told["input"])
    why = str(told["msg"])
    meaning = f" ({field.description})" if field.description else ""
    default = "" if field.is_required() else _default(name)
    return (
        f"{PREFIX}{name.upper()} is {value}{meaning}: {why[0].lower()}{why[1:]}. Correct it, or unset it for "
        f"the default{default}"
    )


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    return f" {default}" if isinstance(default, str | int | float) else ""


def _said(name: str, value: Any) -> str:
    if "SecretStr" in str(Settings.model_fields[name].annotation):
        return "set" if value else "not set"
    return "not set" if value is None else _PASSWORD.sub(r"\g<head>:…@", str(value))


def _dotenv() -> Mapping[str, str | None]:
    try:
        return dotenv_values(_DOTENV) if _DOTENV.is_file() else {}
    except (OSError, UnicodeDecodeError):
        return {}


def _given(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name.upper(): value for name, value in variables.items() if name.upper().startswith(PREFIX)}
