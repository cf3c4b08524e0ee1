"""Configures logging, as text or JSON lines with the request's id, and writes the access log."""

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
"""The id of the HTTP request that this task handles, as the logs show it; empty outside one."""

access_log = logging.getLogger("alsolike.access")

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_process_id = os.urandom(5).hex().encode()
_numbers = itertools.count(1)


def request_id(given: bytes | None) -> bytes:
    """Returns the id under which the logs name a request.

    This is the header ``X-Request-ID`` that the client or a proxy sent, if it has at most 64
    letters, digits and ``._:-``; else a new id.

    Args:
        given: The header's value; ``None`` if it is missing.
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
    """Adds the id of the current HTTP request to every log record; ``""`` outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Adds the request's id to a log record; returns ``True``, so that the record is kept."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id.get()
        return True


class ConsoleFormatter(logging.Formatter):
    """Formats log records as lines for people, with the request's duration and id at the end."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record, for example ``… alsolike.access: GET /livez 200 0.100 ms [4f1e-1]``."""
        line = super().format(record)
        if (seconds := getattr(record, "seconds", None)) is not None:
            line += f" {seconds * 1000:.3f} ms"
        name = getattr(record, "request_id", "")
        return f"{line} [{name}]" if name else line


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """Returns the logging configuration for :func:`logging.config.dictConfig`, to log to stderr."""
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
