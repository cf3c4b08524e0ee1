"""Runs the service: listens on its port, starts uvicorn and logs the effective settings."""

import asyncio
import contextlib
import errno
import fcntl
import gc
import logging
import os
import resource
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from recommender.errors import SettingError
from service.http.logs import configure_logs, log_config
from service.http.processes import METRICS_DIRECTORY, end_with_parent, is_running
from service.serving.live import WATCH_SECONDS
from service.settings import Settings

log = logging.getLogger("alsolike")

GRACE_SECONDS = 10
"""How long open connections may take to finish when the service stops, in seconds."""

FAST_WITH = "0.54."
"""How the uvicorn versions begin with which :mod:`service.http.fast_protocol` was tested."""

_COUNTS = "alsolike-metrics-"


def log_settings(settings: Settings) -> None:
    """Logs the names and values of all settings in one line; passwords are masked."""
    effective = settings.model_dump(mode="json")
    log.info("settings: %s", ", ".join(f"{name}={value!r}" for name, value in effective.items()))


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound to an address but does not listen yet.

    Args:
        host: An address or name of this machine.
        port: The port; 0 picks a free one, which ``socket.getsockname()[1]`` returns.

    Raises:
        SettingError: If the port is taken or forbidden, or the address is not this machine's.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # for a quick restart
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingError(_explain(host, port, error)) from None
    return bound


def run_server(settings: Settings) -> None:
    """Runs the service until it is stopped.

    Each worker is a process that reads the settings itself, so values from the command line are
    passed to it in the environment. All workers accept connections from one socket; a worker that
    dies is replaced within a second.

    Raises:
        SettingError: If the server can't listen on the address.
    """
    configure_logs(settings.log_format)
    # uvicorn raises SIGTERM again when it has stopped; our own cleanup must still run after that.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # each connection takes a descriptor
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with bind(settings.host, settings.port) as bound, _counts_of_workers():
        _start_metrics(settings)
        log_settings(settings)
        if not settings.root.exists():
            log.warning(
                "there was no folder %s: it is made now, and nothing can be served before a build "
                "is published in it; if the name is mistyped, correct root",
                settings.root.absolute(),
            )
        log.info("%s", takedown_time(settings))
        for name in ("root", "host", "port", "workers"):
            os.environ[f"ALSOLIKE_{name.upper()}"] = str(getattr(settings, name))
        config = uvicorn_config(
            "service.server:create_process",
            factory=True,
            host=settings.host,
            port=bound.getsockname()[1],
            workers=settings.workers,
            log_config=log_config(settings.log_format),  # each worker sets up its own
        )
        serve_on(config, bound)


def uvicorn_config(app: ASGIApp | str, **more: Any) -> uvicorn.Config:
    """Returns the configuration with which uvicorn runs an ASGI app.

    Args:
        app: The app, or an import string such as ``"service.server:create_process"``.
        **more: Further options of :class:`uvicorn.Config`.
    """
    return uvicorn.Config(
        app,
        access_log=False,  # the service's own access log has the request id
        http=http_protocol(),
        server_header=False,
        proxy_headers=False,  # the setting trusted_proxies decides which are trusted
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
        **more,
    )


def create_process() -> ASGIApp:
    """Creates and returns the ASGI app; uvicorn calls this once in each server process.

    In a worker, also makes sure that the process ends soon after its parent process has ended.
    """
    gc.disable()  # until everything is imported: see service.app
    from service.app import create_app

    end_with_parent(GRACE_SECONDS + 1)
    return create_app()


def http_protocol() -> type[asyncio.Protocol]:
    """Returns the class that handles HTTP connections for uvicorn.

    For versions of uvicorn with which it was tested, this is the fast class, which answers page
    views itself. With any other version page views go through ASGI, which is slower. Both classes
    limit the size and duration of requests in the same way.
    """
    if uvicorn.__version__.startswith(FAST_WITH):
        from service.http.fast_protocol import FastProtocol

        return FastProtocol
    log.info(
        "page views would be faster with uvicorn %s* than with %s", FAST_WITH, uvicorn.__version__
    )
    from service.http.http_connection import Connection

    return Connection


def serve_on(config: uvicorn.Config, bound: socket.socket) -> None:
    """Serves HTTP on a socket until interrupted, in this process or in several workers.

    Args:
        config: uvicorn's configuration, which names the app and the number of workers.
        bound: The socket, as :func:`bind` returns it.
    """
    bound.listen(config.backlog)
    bound.set_inheritable(True)
    log.info("listening on http://%s:%d", *bound.getsockname()[:2])
    with contextlib.suppress(KeyboardInterrupt):
        if config.workers > 1:
            from uvicorn.supervisors import Multiprocess

            Multiprocess(config, sockets=[bound]).run()
        else:
            uvicorn.Server(config).run(sockets=[bound])


def takedown_time(settings: Settings) -> str:
    """Returns a sentence that says how long readers may still see a taken-down article."""
    held = settings.max_age + settings.stale_while_revalidate
    return (
        f"readers stop seeing a taken-down article within {2 * WATCH_SECONDS + held:g} s: the "
        f"worker that takes the decision hides it at once, other workers within "
        f"{2 * WATCH_SECONDS:g} s, and caches may keep a response for max_age + "
        f"stale_while_revalidate = {held} s"
    )


@contextlib.contextmanager
def _counts_of_workers() -> Iterator[None]:
    """Provides the folder for the files in which workers write their counts (metrics).

    If the environment names a folder, that one is emptied first, used and kept. Otherwise a
    temporary folder is made, and removed at the end.
    """
    named = os.environ.get(METRICS_DIRECTORY)
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
        for left in Path(named).glob("*.db"):
            left.unlink()
        yield
        return
    _sweep()
    # Until the folder is locked, the process id in its name shows that it is in use.
    folder = tempfile.mkdtemp(prefix=f"{_COUNTS}{os.getpid()}-")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.environ[METRICS_DIRECTORY] = folder
    try:
        yield
    finally:
        del os.environ[METRICS_DIRECTORY]
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _sweep() -> None:
    """Removes the folders of counts that killed processes of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_COUNTS}*-*"):
        pid = folder.name.removeprefix(_COUNTS).partition("-")[0]
        if not pid.isascii() or not pid.isdecimal() or is_running(int(pid)):
            continue
        with contextlib.suppress(OSError):  # a link, not a folder, or locked: leave it
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.getuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(descriptor)


def _start_metrics(settings: Settings) -> None:
    """Serves metrics on the port that the setting ``metrics_port`` names, if any."""
    if not settings.metrics or settings.metrics_port is None:
        return
    from index.root.root import Root
    from service.http.metrics import serve_metrics

    bind(settings.metrics_host, settings.metrics_port).close()  # for a helpful error message
    serve_metrics(settings.metrics_host, settings.metrics_port, Root(settings.root))
    log.info("metrics on http://%s:%d/metrics", settings.metrics_host, settings.metrics_port)


def _explain(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"host {host!r} is not an address of this machine; use 0.0.0.0 to listen on all"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} needs root privileges; choose one above 1023"
    return f"can't listen on port {port} of {host}: {error.strerror}"
