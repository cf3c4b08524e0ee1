"""Log lines, for people or as JSON for machines, and the request id that each of them carries."""

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
"""The id of the request at hand."""

access_log = logging.getLogger("alsolike.access")

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_process_id = os.urandom(5).hex().encode()
_numbers = itertools.count(1)


def request_id(given: bytes | None) -> bytes:
    """The id that the client or a proxy gave, if it is short and plain; else a new one."""
    if given is not None and _PLAIN_ID.fullmatch(given):
        return given
    return b"%b-%x" % (_process_id, next(_numbers))


def log_access(method: str, path: bytes, status: int, seconds: float, name: bytes) -> None:
    """Log one request, where the setting ``access_log`` asks for it.

    Args:
        method: In capitals.
        path: Percent-encoded, without the query.
        status: Of the response.
        seconds: Time to answer.
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
    """Adds to every record the id of the request at hand, if there is one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id.get()
        return True


class ConsoleFormatter(logging.Formatter):
    """A line for people, with the request id at its end."""

    def format(self, record: logging.LogRecord) -> str:
        """The message with the time that the request took, and its id."""
        line = super().format(record)
        if (seconds := getattr(record, "seconds", None)) is not None:
            line += f" {seconds * 1000:.3f} ms"
        name = getattr(record, "request_id", "")
        return f"{line} [{name}]" if name else line


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """The configuration that :func:`logging.config.dictConfig` reads."""
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
    """Write log lines to stderr."""
    logging.config.dictConfig(log_config(log_format))
