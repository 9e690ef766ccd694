"""Logging of the command line: one line an event on stderr, and never a secret in it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

OURS = ("flows", "tasks", "infra", "strategies", "domain")
_MASK = "(hidden)"
_SHORTEST = 4
"""Characters; masking shorter values would blot out ordinary words."""


def mask(text: str, secrets: Sequence[str]) -> str:
    """`text` with each secret's value replaced."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, _MASK)
    return text


class SecretFilter(logging.Filter):
    """Takes secrets' values out of a record's message, its arguments and its traceback."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        # The longest first: one key may begin like another.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = mask(message, self._secrets)
        if masked != message:
            record.msg, record.args = masked, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask(record.exc_text, self._secrets)
        return True


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Our handler, known by its class so that setting up twice does not log twice."""


class _Line(logging.Formatter):
    """The time and the message; the level too where it is more than news."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        if record.levelno >= logging.WARNING:
            record.message = f"{record.levelname.lower()}: {record.message}"
        return super().formatMessage(record)


def set_up_logging(level: str, secrets: Sequence[str] = ()) -> None:
    """Sends our modules' events from `level` on, and others' warnings, to stderr.

    Handlers that other libraries have set up on the root get the filter as well.
    """
    # On our own loggers: Prefect sets up the root anew when a flow starts.
    for name in OURS:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        _handle(logger, secrets)
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    # The handler too: a logger's own level lets its events past that of the root.
    _handle(root, secrets).setLevel(logging.WARNING)
    for each in root.handlers:
        each.addFilter(SecretFilter(secrets))


def _handle(logger: logging.Logger, secrets: Sequence[str]) -> logging.Handler:
    for handler in [handler for handler in logger.handlers if isinstance(handler, _Stderr)]:
        logger.removeHandler(handler)
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(SecretFilter(secrets))
    logger.addHandler(handler)
    return handler
