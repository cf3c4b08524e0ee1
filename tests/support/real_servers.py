"""PostgreSQL, MariaDB and WordPress as sites run them, started for a test on loopback."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

WORDPRESS = Path("/usr/share/wordpress")
_PATIENCE = 60.0


def need(program: str, *places: str) -> str:
    """Where a server's program lies; skips the test if it is missing, but never in CI."""
    found = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    if found is None:
        missing(f"needs {program}")
    return str(found)


def missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; .ci/run installs it")
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder_for(user: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder of a service's own, and how to start a process as its user.

    Database servers refuse to run as root, as whom tests run in a container.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"alsolike-{user}-"))
    as_user: dict[str, str] = {}
    try:
        if os.getuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            as_user = {"user": user, "group": str(entry.pw_gid)}
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    port: int,
    answers: Callable[[], bool] = lambda: True,
    **options: object,
) -> Iterator[None]:
    """A process that listens on a port, for as long as the block runs.

    Args:
        answers: Says whether it serves, where that comes later than listening.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # type: ignore[call-overload]
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (_listens(port) and answers()):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{command[0]} did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _serves(url: str, password: str) -> bool:
    """Whether a PostgreSQL lets clients in: it listens while it is still starting up."""
    with suppress(psycopg.OperationalError), psycopg.connect(url, password=password):
        return True
    return False


def _user(as_user: dict[str, str]) -> dict[str, object]:
    if not as_user:
        return {}
    return {"user": as_user["user"], "group": int(as_user["group"]), "extra_groups": []}


@contextmanager
def postgres(password: str) -> Iterator[str]:
    """A PostgreSQL server with the database ``site``; gives its URL, without the password."""
    server = need("postgres", *map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    initdb = Path(server).resolve().with_name("initdb")
    with folder_for("postgres") as (folder, as_user):
        secret = folder / "password"
        secret.write_text(password)
        if as_user:
            shutil.chown(secret, as_user["user"])
        options = {**_user(as_user), "cwd": folder}
        subprocess.run(
            [
                *(initdb, "-D", folder / "data", "-U", "reader", "-A", "scram-sha-256"),
                *("--no-sync", "--pwfile", secret, "-E", "UTF8", "--locale", "C"),
            ],
            check=True,
            capture_output=True,
            **options,  # type: ignore[arg-type]
        )
        port = free_port()
        command = [server, "-D", str(folder / "data"), "-p", str(port), "-F"]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        url = f"postgresql://reader@127.0.0.1:{port}/postgres"
        with running(command, folder / "log", port, lambda: _serves(url, password), **options):
            yield url


@contextmanager
def mariadb(password: str) -> Iterator[str]:
    """A MariaDB server with the database ``site``; gives its URL, without the password."""
    server = need("mariadbd", "/usr/sbin")
    install = need("mariadb-install-db")
    with folder_for("mysql") as (folder, as_user):
        options = {**_user(as_user), "cwd": folder}
        data = f"--datadir={folder / 'data'}"
        subprocess.run(
            [
                *(install, "--no-defaults", data, "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            capture_output=True,
            **options,  # type: ignore[arg-type]
        )
        port = free_port()
        start = folder / "start.sql"
        start.write_text(
            "CREATE DATABASE site CHARACTER SET utf8mb4;\n"
            f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            "GRANT ALL ON site.* TO reader@'127.0.0.1';\n"
        )
        start.chmod(0o644)
        command = [server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1"]
        command += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command += [f"--init-file={start}", "--innodb-flush-log-at-trx-commit=0"]
        with running(command, folder / "log", port, **options):
            yield f"mysql://reader@127.0.0.1:{port}/site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running WordPress.

    Attributes:
        url: Its address.
        user: An administrator.
        password: The administrator's application password.
    """

    url: str
    user: str
    password: str


@contextmanager
def wordpress(articles: Path, *, pretty: bool = True) -> Iterator[Site]:
    """Debian's WordPress on PHP's own web server and MariaDB, filled with articles.

    Args:
        articles: JSON lines in AlsoLike's format.
        pretty: With permalinks, and so with ``/wp-json``.
    """
    php = need("php")
    if not (WORDPRESS / "wp-load.php").exists():
        missing("needs Debian's wordpress")
    with mariadb("wp-database") as database, tempfile.TemporaryDirectory() as name:
        folder = Path(name, "site")
        shutil.copytree(WORDPRESS, folder, ignore=shutil.ignore_patterns("wp-config.php"))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        host = database.removeprefix("mysql://reader@").partition("/")[0]
        (folder / "wp-config.php").write_text(_CONFIG.replace("DB_ADDRESS", host))
        script = Path(__file__).with_name("wordpress_fill.php")
        filled = subprocess.run(
            [php, script, folder, url, articles, "pretty" if pretty else ""],
            capture_output=True,
            check=False,
        )
        if filled.returncode:
            pytest.fail(f"WordPress could not be filled: {filled.stdout!r} {filled.stderr!r}")
        made = json.loads(filled.stdout)
        command = [php, "-S", f"127.0.0.1:{port}", "-t", str(folder), str(folder / "index.php")]
        with running(command, Path(name, "log"), port):
            yield Site(url=url, user=made["user"], password=made["password"])


_CONFIG = """<?php
define('DB_NAME', 'site');
define('DB_USER', 'reader');
define('DB_PASSWORD', 'wp-database');
define('DB_HOST', 'DB_ADDRESS');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
// Application passwords are for TLS, or for a machine of one's own.
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); }
require_once ABSPATH . 'wp-settings.php';
"""
