"""The includes on the server that docs/front-ends.md prints: real servers, a real service."""

from __future__ import annotations

import getpass
import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.demo.site import SAMPLE_ARTICLE
from tests.support.real_servers import free_port, need
from tests.support.service_process import alsolike, free_ports, get, stop, until

PAGE = Path(__file__).parents[2] / "docs" / "front-ends.md"
OTHER = "sourdough-stale-loaf-crumb"
UNREAD = "sourdough-starter-fridge-neglect"
APACHE_MODULES = ("mpm_event", "authz_core", "mime", "include", "proxy", "proxy_http", "headers")


def printed(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def nginx(folder: Path, port: int, block: str) -> list[str]:
    """Writes nginx's configuration, and returns the command that starts it."""
    block = block.replace("/var/cache/nginx", str(folder)).replace("/srv/site", f"{folder}/site")
    block = block.replace("server {\n", f"server {{\n    listen 127.0.0.1:{port};\n", 1)
    (folder / "configuration").write_text(
        f"daemon off;\nuser {getpass.getuser()};\npid {folder}/pid;\n"
        f"error_log {folder}/errors;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{block}\n}}\n"
    )
    started = [need("nginx", "/usr/sbin"), "-c", f"{folder}/configuration"]
    return [*started, "-e", f"{folder}/errors"]


def apache(folder: Path, port: int, block: str) -> list[str]:
    """Writes Apache's configuration, and returns the command that starts it."""
    modules = (
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in APACHE_MODULES
    )
    (folder / "configuration").write_text(
        "\n".join(modules) + f"\nServerName localhost\nListen 127.0.0.1:{port}\n"
        "TypesConfig /dev/null\nAddType text/html .html\n"
        f"User www-data\nGroup www-data\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\n"
        f"ErrorLog {folder}/errors\nDocumentRoot {folder}/site\n{block}"
    )
    command = [need("apache2", "/usr/sbin"), "-f", f"{folder}/configuration"]
    return [*command, "-D", "FOREGROUND"]


SERVERS = {"nginx": nginx, "apache": apache}


@contextmanager
def site(folder: Path, server: str, service: int) -> Iterator[str]:
    """The address of a site whose server does what the page prints."""
    pages = folder / "site"
    pages.mkdir()
    space = " " * (server == "nginx")
    include = re.search(f"<!--#{space}include .*-->", PAGE.read_text())
    assert include is not None
    for article in (SAMPLE_ARTICLE, OTHER, UNREAD, "nothing-such"):
        tag = include[0].replace("my-article", article)
        (pages / f"{article}.html").write_text(f"<h1>Own</h1>{tag}")
    port = free_port()
    block = printed(server).replace("127.0.0.1:8000", f"127.0.0.1:{service}")
    command = SERVERS[server](folder, port, block)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: get(f"{address}/{OTHER}.html") is not None)
            yield address
        finally:
            process.terminate()


@pytest.mark.parametrize("server", SERVERS)
def test_each_page_gets_its_own_cards_and_never_an_error(server: str) -> None:
    service = free_ports()

    def shown(article: str) -> str:
        as_browser = {"Accept-Encoding": "gzip"}
        request = urllib.request.Request(f"{address}/{article}.html", headers=as_browser)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body.decode().replace("<!-- nothing related -->", "")

    arguments = ("demo", "--model", "hashing:64", "--port", str(service))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # Apache reads it as another user
        with (
            alsolike(*arguments, folder=folder) as process,
            site(folder, server, service) as address,
        ):
            ready = f"http://127.0.0.1:{service}/readyz"
            until(lambda: (answer := get(ready)) and answer.status == 200)
            first, second = shown(SAMPLE_ARTICLE), shown(OTHER)
            assert first.startswith("<h1>Own</h1><section")
            assert first.count('class="alsolike-card"') == 6
            links = [set(re.findall(r'href="[^"]+', text)) for text in (first, second)]
            assert links[0] != links[1]
            assert shown("nothing-such") == "<h1>Own</h1>"
            stop(process)
            assert shown(UNREAD) == "<h1>Own</h1>"
