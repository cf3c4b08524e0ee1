"""Writes ``docs/reference.md`` from the code: every setting, command and route.

``python -m docs.reference`` writes it, ``--check`` says whether it is up to date.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer.main
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from service.app import create_app
from service.cli.alsolike import app
from service.settings import CONFIG_FILE, CONFIG_VARIABLE, RankingSettings, Settings

PAGE = Path(__file__).with_suffix(".md")
_INTRO = f"""# Reference

*Written from the code by `python -m docs.reference`; a test holds the two together.*

- [Settings](#settings)
- [Commands](#commands)
- [Routes](#routes)

## Settings

In `{CONFIG_FILE}` in the folder that a command runs in (or the file that
`{CONFIG_VARIABLE}` names); as `ALSOLIKE_<NAME>` in the environment, which goes before the file;
some as an option of a command, which goes before both. Lists and tables in the environment are
written as JSON. A name that is not in this table is refused. `serve` and `watch` read all of it
once: restart them after a change.
"""


def reference() -> str:
    """The whole page."""
    parts = [_INTRO, *_settings(), "\n## Commands\n", *_commands(), "\n## Routes\n", *_routes()]
    return "\n".join(parts).rstrip() + "\n"


def _settings() -> Iterator[str]:
    schema = Settings.model_json_schema()
    yield "| setting | is | default | what for |"
    yield "| --- | --- | --- | --- |"
    told = _docstrings(RankingSettings) | _docstrings(Settings)
    for name, field in Settings.model_fields.items():
        found = schema["properties"][name]
        kind = _kind(found, schema["$defs"])
        yield _row(f"`{name}`", kind, _default(field), field.description or told[name])


def _docstrings(settings: type) -> dict[str, str]:
    """The text below each field; pydantic reads them too, but at each start of the service."""
    (found,) = ast.parse(inspect.getsource(settings)).body
    told = {}
    for pair in pairwise(ast.iter_child_nodes(found)):
        match pair:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                told[name] = inspect.cleandoc(text)
    return told


def _kind(found: dict[str, Any], shared: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in found:
        return _kind(shared[found["$ref"].rpartition("/")[2]], shared)
    if "anyOf" in found:
        return " or ".join(
            _kind(one, shared) for one in found["anyOf"] if one.get("type") != "null"
        )
    if "enum" in found:
        return ", ".join(f"`{value}`" for value in found["enum"])
    kind = {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        found.get("type", ""), found.get("type", "")
    )
    if kind == "array":
        inner = _kind(found["items"], shared)
        return "list of tables" if inner in ("object", "table") else f"list of {inner}"
    if kind == "object":
        return "table"
    low = found.get("minimum", found.get("exclusiveMinimum"))
    high = found.get("maximum", found.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f"{kind}, {low:g} to {high:g}"
    if low is not None:
        return f"{kind} above {low:g}" if "exclusiveMinimum" in found else f"{kind} from {low:g}"
    return kind


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value is None or value == "":
        return "unset"
    plain = value if isinstance(value, bool | int | float | list | dict) else str(value)
    return f"`{json.dumps(plain, ensure_ascii=False)}`"


def _commands() -> Iterator[str]:
    root = typer.main.get_command(app)
    context = root.context_class(root, info_name="alsolike")
    yield "`alsolike --help` lists them; results go to stdout, all else to stderr.\n"
    for words, command in _leaves(root, context, ()):
        name = " ".join(("alsolike", *words))
        yield f"### {name}\n"
        yield f"{_plain(command.help or '')}\n"
        here = command.context_class(command, info_name=words[-1], parent=context)
        pieces = [piece for p in command.params for piece in p.get_usage_pieces(here)]
        yield f"`{' '.join([name, *pieces])}`\n"
        records = [p.get_help_record(here) for p in command.params]
        rows = [_row(f"`{left}`", _plain(right)) for left, right in filter(None, records)]
        if rows:
            yield "| argument or option | |"
            yield "| --- | --- |"
            yield from rows
            yield ""


def _leaves(
    command: Any, context: Any, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "list_commands"):
        yield words, command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            yield from _leaves(found, context, (*words, name))


def _routes() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        service = create_app(Settings(root=Path(folder)))
        document = json.loads(asyncio.run(_get(service, "/openapi.json")))
    yield "`/docs` shows parameters and answers, with examples of your own build.\n"
    yield "| route | does |"
    yield "| --- | --- |"
    described = set()
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            described.add((method.upper(), path))
            yield _row(f"`{method.upper()} {path}`", _plain(operation.get("summary", "")))
    for method, path, says in sorted(_undescribed(_framework(service))):
        if (method, path) not in described and "/static/" not in path:
            yield _row(f"`{method} {path}`", says)


async def _get(service: ASGIApp, path: str) -> bytes:
    """The body of a GET, without a server."""
    body = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        body.extend(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "app": None,
    }
    await service(scope, receive, send)
    return bytes(body)


def _framework(service: Any) -> FastAPI:
    """The app behind the routes that run in front of it."""
    while not isinstance(service, FastAPI):
        service = service.default if isinstance(service, Router) else service._app
    return service


def _undescribed(service: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Pages and files, which are no part of the API's document."""
    for route in _flat(service.routes):
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/…", "files"
        elif isinstance(route, Route | APIRoute):
            says = (route.endpoint.__doc__ or "").strip().partition("\n")[0]
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, route.path, _plain(says) or route.name.replace("_", " ")


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _flat(inner.routes)
        else:
            yield route


def _plain(text: str) -> str:
    """One line of Markdown from a docstring or a help text."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.replace("``", "`").replace("\\b", "").strip()


def _row(*cells: str) -> str:
    """A row of a table, which ends with its line."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the page, or check it."""
    page = reference()
    if "--check" in sys.argv:
        current = PAGE.read_text() if PAGE.exists() else ""
        sys.exit(0 if current == page else f"{PAGE.name} is not what the code says: run it anew")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
