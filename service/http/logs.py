"""Configures logging, as plain or JSON lines with the request's id, and writes the access log."""

from __future__ import annotations

import contextvars
import itertools
import logging
import logging.config
import os
import re
from typing import Any, Literal

LogFormat = Literal["console", "json"]

REQUEST_ID_HEADER = b"x-request-id"

current_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The id of the current request."""

access_log = logging.getLogger("alsolike.access")

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_process_id = os.urandom(5).hex().encode()
_numbers = itertools.count(1)


def request_id(given: bytes | None) -> bytes:
    """Returns the id that names a request in the logs.

    This is the id that the client or a proxy sent, if it is short and plain, else a new one.
    """
    if given is not None and _PLAIN_ID.fullmatch(given):
        return given
    return b"%b-%x" % (_process_id, next(_numbers))


def log_access(method: str, path: bytes, status: int, seconds: float, name: bytes) -> None:
    """Logs one request to the access log.

    Args:
        method: The HTTP method, in capitals.
        path: The percent-encoded path, without the query.
        status: The status of the response.
        seconds: The time to answer, in seconds.
        name: The request's id.
    """
    access_log.info(
        "%s %s %d",
        method,
        path.decode("latin-1"),
        status,
        extra={"seconds": round(seconds, 6), "request_id": name.decode()},
    )


class AddRequestId(logging.Filter):
    """Adds the id of the current request to every log record; outside a request an empty id."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Adds the id; keeps every record."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id.get()
        return True


class ConsoleFormatter(logging.Formatter):
    """Formats log lines for people, with the request id at the end."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line with the duration and the id of the request, if known."""
        line = super().format(record)
        if (seconds := getattr(record, "seconds", None)) is not None:
            line += f" {seconds * 1000:.3f} ms"
        name = getattr(record, "request_id", "")
        return f"{line} [{name}]" if name else line


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """Returns the configuration for :func:`logging.config.dictConfig`."""
    formatters: dict[str, dict[str, Any]] = {
        "console": {
            "()": "service.http.logs.ConsoleFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": _FIELDS,
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            "json_ensure_ascii": False,
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "service.http.logs.AddRequestId"}},
        "formatters": {"line": formatters[log_format]},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "loggers": {"alembic": {"level": "WARNING"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
    }


def configure_logs(log_format: LogFormat = "console") -> None:
    """Configures logging to stderr in the given format."""
    logging.config.dictConfig(log_config(log_format))
