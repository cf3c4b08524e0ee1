"""Running the service: uvicorn, and logs that say what is in force."""

from __future__ import annotations

import logging
import os

import uvicorn

from index.settings import Settings

log = logging.getLogger("alsolike")


def configure_logs() -> None:
    """Plain lines on stderr."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def log_settings(settings: Settings) -> None:
    """Say the effective settings once, at the start."""
    effective = settings.model_dump(mode="json")
    log.info("settings: %s", ", ".join(f"{name}={value!r}" for name, value in effective.items()))


def run_server(settings: Settings) -> None:
    """Serve until told to stop.

    Workers are separate processes that read their settings anew, so what the command line
    changed is handed to them in the environment.
    """
    configure_logs()
    log_settings(settings)
    for name in ("root", "host", "port", "workers"):
        os.environ[f"ALSOLIKE_{name.upper()}"] = str(getattr(settings, name))
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        log_config=None,
        server_header=False,
    )
