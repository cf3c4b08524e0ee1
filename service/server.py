"""Running the service: its port, uvicorn, and logs that say what is in force."""

from __future__ import annotations

import errno
import logging
import logging.config
import os
import socket
from typing import Any

import uvicorn

from index.settings import Settings
from recommender.errors import SettingError

log = logging.getLogger("alsolike")

GRACE_SECONDS = 10
"""How long a reader who hangs on may hold up a restart."""

_LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}


def configure_logs() -> None:
    """Plain lines on stderr."""
    logging.config.dictConfig(_LOGS)


def log_settings(settings: Settings) -> None:
    """Say the effective settings once, at the start."""
    effective = settings.model_dump(mode="json")
    log.info("settings: %s", ", ".join(f"{name}={value!r}" for name, value in effective.items()))


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not listening yet.

    Args:
        host: An address or name of this machine.
        port: 0 for any that is free; ``socket.getsockname()[1]`` tells which.

    Raises:
        SettingError: If the port is taken or forbidden, or the address is not this machine's.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a restart needs
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingError(_explain(host, port, error)) from None
    return bound


def run_server(settings: Settings) -> None:
    """Serve until told to stop.

    Workers are separate processes that read their settings anew, so what the command line
    changed is handed to them in the environment.

    Raises:
        SettingError: If the address can't be served on.
    """
    with bind(settings.host, settings.port) as bound:  # uvicorn would answer with a log of its own
        port = bound.getsockname()[1]
    configure_logs()
    log_settings(settings)
    os.environ["ALSOLIKE_ROOT"] = str(settings.root)
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=port,
        workers=settings.workers,
        access_log=False,
        log_config=_LOGS,  # each worker sets up its own
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _explain(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"host {host!r} is not an address of this machine; 0.0.0.0 serves on all of them"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; choose another with --port, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} needs the administrator's rights; choose one above 1023"
    return f"port {port} of {host} can't be served on: {error.strerror}"
