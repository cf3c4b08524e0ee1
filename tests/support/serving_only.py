"""Runs the service where only what ``requirements-serve.txt`` names is installed.

``python -m tests.support.serving_only ROOT TOKEN`` asks every route, runs a few commands, and
prints what was answered and which of the named packages were not imported.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from http.client import HTTPConnection
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from threading import Thread
from typing import Any

LIST = Path(__file__).parents[2] / "requirements-serve.txt"
COMMANDS = [
    ["build", "articles.jsonl"],
    ["related", "--text", __file__],
    ["builds"],
    ["db", "upgrade"],
]
DRAFT = {"title": "Kelp", "summary": "Urchins graze on kelp."}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(lines: list[str]) -> list[tuple[str, bool]]:
    """The packages that requirements name, and whether each is for an extra only."""
    found = [(re.match(r"[\w.-]+", line), "extra ==" in line) for line in lines]
    return [(plain(name[0]), extra) for name, extra in found if name]


def with_dependencies(names: list[str]) -> set[str]:
    found: set[str] = set()
    pending = [*names]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        with contextlib.suppress(PackageNotFoundError):
            pending += [other for other, extra in names_in(requires(name) or []) if not extra]
    return found


LISTED = [name for name, _ in names_in(LIST.read_text().splitlines())]
INSTALLED = with_dependencies([*LISTED, "alsolike-itself", "psycopg-binary"])
OWNERS = {
    module: {plain(name) for name in names} for module, names in packages_distributions().items()
}
OURS = {"recommender", "index", "service", "tests"}


class Installed(PathFinder):
    """Finds no module of any other package."""

    @classmethod
    def find_spec(cls, fullname: str, *places: Any) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top not in OURS and top in OWNERS and not OWNERS[top] & INSTALLED:
            return None
        return super().find_spec(fullname, *places)


def run(arguments: list[str]) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    from service.cli import main

    out = io.StringIO()
    sys.argv = ["alsolike", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main()
    except SystemExit as ended:
        return int(str(ended.code or 0)), out.getvalue()
    raise AssertionError("a command always exits")


def answers(root: Path, token: str) -> dict[str, tuple[int, str]]:
    """What every route answers to GET, and some to more."""
    import uvicorn

    from service.app import create_app
    from service.http.logs import configure_logs
    from service.server import uvicorn_config
    from service.settings import Settings

    configure_logs("json")
    app = create_app(Settings(root=root))
    server = uvicorn.Server(uvicorn_config(app, port=0, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        line = HTTPConnection(*server.servers[0].sockets[0].getsockname(), timeout=30)
        one = json.loads((root / "one.json").read_text())

        def ask(method: str, path: str, body: Any = None) -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()

        paths = json.loads(ask("GET", "/openapi.json")[1])["paths"]
        pages = ["/editor", "/editor/sign-in", "/editor/builds", "/editor/history", "/docs"]
        pages += [f"/editor/{page}?id={one}" for page in ("article", "decide")]
        gets = [path for path, methods in paths.items() if "get" in methods]
        found = {}
        for path in (*gets, *pages):
            address = re.sub(r"\{.*?\}", one, path) + ("?" if "?" not in path else "&")
            found[f"GET {path}"] = ask("GET", f"{address}id={one}&article_id={one}&target_id={one}")
        pushed = {"title": "A new one", "summary": "Kelp.", "url": "/new", "date": "2026-01-02"}
        found["PUT"] = ask("PUT", "/v1/articles/new", pushed)
        found["batch"] = ask("POST", "/v1/related/batch", {"ids": [one]})
        found["draft"] = ask("POST", "/v1/related", DRAFT)
        line.close()
        return found
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Installed]
    told = {
        "answers": answers(Path(sys.argv[1]), sys.argv[2]),
        "commands": {" ".join(command): run(command) for command in COMMANDS},
    }
    tops = {module.partition(".")[0] for module in sys.modules}
    used = {name for top in tops for name in OWNERS.get(top, ())}
    sys.stdout.write(json.dumps({**told, "unused": sorted({*LISTED} - used)}))
