"""The include on the server that docs/front-ends.md prints: a real nginx, a real service."""

from __future__ import annotations

import getpass
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.demo.site import SAMPLE_ARTICLE
from tests.support.real_servers import free_port, need
from tests.support.service_process import alsolike, free_ports, get, stop, until

PAGE = Path(__file__).parents[2] / "docs" / "front-ends.md"
OTHER = "sourdough-stale-loaf-crumb"
UNREAD = "sourdough-starter-fridge-neglect"


def printed(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def site(folder: Path, service: int) -> Iterator[str]:
    """The address of a site whose nginx does what the page prints."""
    pages = folder / "site"
    pages.mkdir()
    include = re.search(r"<!--# include .*-->", PAGE.read_text())
    assert include is not None
    for article in (SAMPLE_ARTICLE, OTHER, UNREAD, "nothing-such"):
        tag = include[0].replace("my-article", article)
        (pages / f"{article}.html").write_text(f"<h1>Own</h1>{tag}")
    port = free_port()
    block = (
        printed("nginx").replace("/var/cache/nginx", str(folder)).replace("/srv/site", str(pages))
    )
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{service}")
    block = block.replace("server {\n", f"server {{\n    listen 127.0.0.1:{port};\n", 1)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off;\nuser {getpass.getuser()};\npid {folder}/pid;\n"
        f"error_log {folder}/errors;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{block}\n}}\n"
    )
    nginx = need("nginx", "/usr/sbin")
    command = [nginx, "-c", str(configuration), "-e", str(folder / "errors")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: get(f"{address}/{OTHER}.html") is not None)
            yield address
        finally:
            process.terminate()


def test_each_page_gets_its_own_cards_and_never_an_error(tmp_path: Path) -> None:
    service = free_ports()

    def shown(article: str) -> str:
        answer = get(f"{address}/{article}.html")
        assert answer is not None
        assert answer.status == 200
        return answer.body.decode()

    arguments = ("demo", "--model", "hashing:64", "--port", str(service))
    with alsolike(*arguments, folder=tmp_path) as process, site(tmp_path, service) as address:
        until(lambda: (ready := get(f"http://127.0.0.1:{service}/readyz")) and ready.status == 200)
        first, second = shown(SAMPLE_ARTICLE), shown(OTHER)
        assert first.startswith("<h1>Own</h1><section")
        assert first.count('class="alsolike-card"') == 6
        assert set(re.findall(r'href="[^"]+', first)) != set(re.findall(r'href="[^"]+', second))
        assert shown("nothing-such") == "<h1>Own</h1>"
        stop(process)
        assert shown(UNREAD) == "<h1>Own</h1>"
