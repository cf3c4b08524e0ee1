"""Programs and database servers of this machine: found, started on loopback, and stopped again."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

_PATIENCE = 120.0


class ProgramMissingError(Exception):
    """A program is not on this machine."""


def find_program(name: str, *folders: str) -> str:
    """Where a program lies: on the path, or else in one of the folders.

    Raises:
        ProgramMissingError: It is in none of them.
    """
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders]))
    if found is None:
        raise ProgramMissingError(f"needs {name}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder_for(user: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder of a service's own, and how to start a process as its user.

    Database servers refuse to run as root, which is who runs this in a container.
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
    **options: Any,
) -> Iterator[None]:
    """A process that listens on a port, for as long as the block runs.

    Args:
        command: What to start.
        log: Where its output goes.
        port: It listens there on 127.0.0.1.
        answers: Says whether it serves, where that comes later than listening.
        **options: Of ``subprocess.Popen``.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (_listens(port) and answers()):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
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


def _user(as_user: dict[str, str]) -> dict[str, Any]:
    if not as_user:
        return {}
    return {"user": as_user["user"], "group": int(as_user["group"]), "extra_groups": []}


@contextmanager
def postgres(password: str) -> Iterator[str]:
    """A PostgreSQL server with the database ``site``; gives its URL, without the password."""
    server = find_program("postgres", *map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    initdb = Path(server).resolve().with_name("initdb")
    with folder_for("postgres") as (folder, as_user):
        secret = folder / "password"
        secret.write_text(password)
        if as_user:
            shutil.chown(secret, as_user["user"])
        options = {**_user(as_user), "cwd": folder}
        subprocess.run(
            [
                *(initdb, "-D", str(folder / "data"), "-U", "reader", "-A", "scram-sha-256"),
                *("--no-sync", "--pwfile", str(secret), "-E", "UTF8", "--locale", "C"),
            ],
            check=True,
            capture_output=True,
            **options,
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
    server = find_program("mariadbd", "/usr/sbin")
    install = find_program("mariadb-install-db")
    with folder_for("mysql") as (folder, as_user):
        options = {**_user(as_user), "cwd": folder}
        data = (f"--datadir={folder / 'data'}", f"--tmpdir={folder}")  # its user's own
        subprocess.run(
            [
                *(install, "--no-defaults", *data, "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            capture_output=True,
            **options,
        )
        port = free_port()
        start = folder / "start.sql"
        start.write_text(
            "CREATE DATABASE site CHARACTER SET utf8mb4;\n"
            f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            "GRANT ALL ON site.* TO reader@'127.0.0.1';\n"
        )
        start.chmod(0o644)
        command = [server, "--no-defaults", *data, f"--port={port}", "--bind-address=127.0.0.1"]
        command += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command += [f"--init-file={start}", "--innodb-flush-log-at-trx-commit=0"]
        with running(command, folder / "log", port, **options):
            yield f"mysql://reader@127.0.0.1:{port}/site"
