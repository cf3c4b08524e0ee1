"""PostgreSQL, MariaDB and WordPress as sites run them, started for a test on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.support import servers
from benchmarks.support.servers import ProgramMissingError, find_program, free_port, running

WORDPRESS = Path("/usr/share/wordpress")


def need(program: str, *folders: str) -> str:
    """Where a program lies; skips the test if it is missing, but never in CI."""
    try:
        return find_program(program, *folders)
    except ProgramMissingError as error:
        missing(str(error))
        raise


def missing(reason: str) -> None:
    """Skip the test for want of a program; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; .ci/run installs it")
    pytest.skip(reason)


@contextmanager
def _started(server: Callable[[str], AbstractContextManager[str]], password: str) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server(password))
        except ProgramMissingError as error:
            missing(str(error))
            raise
        yield url


def postgres(password: str) -> AbstractContextManager[str]:
    """A PostgreSQL server with the database ``site``; gives its URL, without the password."""
    return _started(servers.postgres, password)


def mariadb(password: str) -> AbstractContextManager[str]:
    """A MariaDB server with the database ``site``; gives its URL, without the password."""
    return _started(servers.mariadb, password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running WordPress.

    Attributes:
        url: Its address.
        user: An administrator.
        password: The administrator's application password.
        login: The password for the pages of administration.
        folder: Where it is installed.
    """

    url: str
    user: str
    password: str
    login: str
    folder: Path

    def export(self) -> bytes:
        """What Tools, Export gives its administrator."""
        script = Path(__file__).with_name("wordpress_export.php")
        command = [need("php"), script, self.folder, self.url]
        return subprocess.run(command, capture_output=True, check=True).stdout


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
        theme = folder / "wp-content" / "themes" / "plain"
        theme.mkdir(parents=True)
        (theme / "style.css").write_text("/* Theme Name: Plain */")
        (theme / "index.php").write_text(_THEME)
        script = Path(__file__).with_name("wordpress_fill.php")
        filled = subprocess.run(
            [php, script, folder, url, articles, "pretty" if pretty else ""],
            capture_output=True,
            check=False,
        )
        if filled.returncode:
            pytest.fail(f"WordPress could not be filled: {filled.stdout!r} {filled.stderr!r}")
        made = json.loads(filled.stdout)
        router = str(Path(__file__).with_name("wordpress_router.php"))
        command = [php, "-S", f"127.0.0.1:{port}", "-t", str(folder), router]
        with running(command, Path(name, "log"), port):
            yield Site(url=url, folder=folder, **made)


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

_THEME = """<!doctype html><html <?php language_attributes(); ?>><head><?php wp_head(); ?></head>
<body><?php while (have_posts()) { the_post(); ?><article><h1><?php the_title(); ?></h1>
<?php the_content(); ?></article><?php } wp_footer(); ?><footer>The end</footer></body></html>
"""
