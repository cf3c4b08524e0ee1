"""Log lines: for people on a console, or one JSON object each for machines."""

from __future__ import annotations

import logging
import logging.config
from typing import Any, Literal

from service.http.request_id import current

LogFormat = Literal["console", "json"]

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"


class AddRequest(logging.Filter):
    """Says in every record which request it was written for, if any."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything through."""
        if not hasattr(record, "request_id"):
            record.request_id = current.get()
        return True


class ConsoleFormatter(logging.Formatter):
    """A line for people, with the request at its end."""

    def format(self, record: logging.LogRecord) -> str:
        """Add what a record carries beside its message."""
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
        "filters": {"request": {"()": "service.http.logs.AddRequest"}},
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
