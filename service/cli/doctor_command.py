"""The command ``alsolike doctor``: checks the machine, the settings and what they name."""

import glob
import os
import platform
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import typer

from index.build.manifest import MANIFEST
from index.capacity import near_limits
from index.errors import GateError
from index.root.root import Root
from recommender.errors import AlsoLikeError, SettingError
from recommender.machine import usable_cores, usable_memory
from recommender.sentence_encoder import find_model
from service.cli import options as option
from service.cli.options import print_result
from service.clicks.click_bounds import MAX_EVENTS_A_MINUTE
from service.clicks.placement import open_placements
from service.decisions.open_decisions import decisions_status
from service.settings import CONFIG_FILE, Settings, load_settings, settings_path

_LEAST_MEMORY = 1_500_000_000
_LEAST_DISK = 2_000_000_000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_WRITTEN = 1_764_000_000  # seconds since 1970; a clock that is behind this is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check by the command ``alsolike doctor``.

    Attributes:
        what: What was checked, such as ``memory``.
        state: ``ok``, ``look`` (works, but see the sentence) or ``mend`` (does not work).
        sentence: What was found and, if something is wrong, the remedy.
    """

    what: str
    state: str
    sentence: str


def doctor(root: option.Root = None, as_json: option.Json = False) -> None:
    """Check machine, settings, model, database, root, port and clock; say what to mend."""
    try:
        found = [*_look_everywhere(load_settings(root=root))]
    except SettingError as error:  # all else depends on the settings
        found = [Finding("settings", "mend", str(error))]
    width = max(len(finding.what) for finding in found)
    lines = (f"{one.state:4}  {one.what:{width}}  {one.sentence}" for one in found)
    print_result([asdict(finding) for finding in found], *lines, as_json=as_json)
    raise typer.Exit(int(any(finding.state == "mend" for finding in found)))


def _version(_: Settings) -> Iterator[Finding]:
    version, python = metadata.version("alsolike"), platform.python_version()
    sentence = f"alsolike {version}, Python {python}, {platform.system()} {platform.machine()}"
    yield Finding("version", "ok", sentence)
    path = settings_path()
    said = f"read from {path}" if path.exists() else f"there is no {path}: alsolike init writes it"
    yield Finding("settings", "ok" if path.exists() else "look", said)


def _machine(settings: Settings) -> Iterator[Finding]:
    cores, memory = usable_cores(), usable_memory()
    whole = os.cpu_count() or cores
    limited = f" of {whole}; the others belong to other processes" if cores < whole else ""
    yield Finding("cores", "ok", f"{cores} usable{limited}")
    enough = memory >= _LEAST_MEMORY
    advice = "" if enough else "; building with the default model wants 1.5 GB"
    yield Finding("memory", "ok" if enough else "look", f"{memory / 1e9:.1f} GB{advice}")
    folder = settings.root.absolute()
    folder = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    enough = free >= _LEAST_DISK
    advice = "" if enough else "; make room: a build needs its own size again while it is made"
    yield Finding("disk", "ok" if enough else "look", f"{free / 1e9:.1f} GB free{advice}")


def _root(settings: Settings) -> Iterator[Finding]:
    folder = settings.root.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        user = os.environ.get("USER", "this user")
        yield Finding("root", "mend", f"{there} can't be written by {user}; change its owner")
        return
    root = Root(settings.root)
    build = root.open_live()
    if build is None:
        other = root.newest_other()
        remedy = f"publish {other} makes that one live" if other else "build makes one"
        yield Finding("root", "look", f"{folder} holds no live build: alsolike {remedy}")
        return
    root.verify(vectors=False, contents=False)
    yield Finding("root", "ok", f"{build.name} is live in {folder}: {build.count} articles")
    for warning in near_limits(build.manifest, settings.keep, settings.root):
        yield Finding("limits", "look", warning)


def _model(settings: Settings) -> Iterator[Finding]:
    name = settings.model
    if name.partition(":")[0] != "hashing":
        find_model(name)
    made = name
    with suppress(AlsoLikeError):  # another check says what is wrong with the root
        if (build := Root(settings.root).open_live()) is not None:
            made = build.manifest.encoder.model
    if made != name:
        sentence = (
            f"{name} is on this machine, but the live build was made with {made}: the next build "
            "encodes all articles anew, and is published only with --accept-change"
        )
        yield Finding("model", "look", sentence)
    else:
        yield Finding("model", "ok", f"{name} is on this machine")


def _sources(settings: Settings) -> Iterator[Finding]:
    from index.sources.registry import open_sources

    if settings.source:
        opened = open_sources([], settings.source, settings.map, {})
        missing = [
            path for one in opened if _leads_nowhere(path := getattr(one.source, "path", ""))
        ]
        named = ", ".join(missing or [source.name for source in opened])
        if missing:
            sentence = f"in {Path.cwd()} there is no {named}; correct path in {CONFIG_FILE}"
            yield Finding("sources", "mend", sentence)
        else:
            yield Finding("sources", "ok", f"{named} (alsolike sources check reads them)")
    else:
        yield Finding("sources", "look", "none in the settings: name them in alsolike build")


def _leads_nowhere(path: str) -> bool:
    there = path in ("", "-") or Path(path).exists()
    return not there and not any(glob.iglob(path, recursive=True))  # noqa: PTH207 - any folder's


def _publishing(settings: Settings) -> Iterator[Finding]:
    try:
        Root(settings.root).check_hold()
    except GateError as error:
        yield Finding("publishing", "look", str(error))


def _notify(settings: Settings) -> Iterator[Finding]:
    command = shlex.split(settings.notify)
    if command and "://" not in command[0] and shutil.which(command[0]) is None:
        yield Finding("notify", "mend", f"there is no program {command[0]}; correct notify")


def _database(settings: Settings) -> Iterator[Finding]:
    problem = decisions_status(settings).problem
    yield Finding("database", "mend" if problem else "ok", problem or "answers")


def _clicks(settings: Settings) -> Iterator[Finding]:
    if open_placements(settings) is None:
        return
    if settings.host in _LOOPBACK and not settings.trusted_proxies:
        sentence = (
            f"on {settings.host} readers come through a proxy, but trusted_proxies names none: all "
            f"of them would share one bound of {MAX_EVENTS_A_MINUTE} events a minute"
        )
        yield Finding("clicks", "look", sentence)
    else:
        yield Finding("clicks", "ok", "counted, without anything about a reader (docs/clicks.md)")


def _port(settings: Settings) -> Iterator[Finding]:
    from service.server import bind

    ports = {"port": (settings.host, settings.port)}
    if settings.metrics and settings.metrics_port is not None:
        ports["metrics_port"] = (settings.metrics_host, settings.metrics_port)
    for what, (host, port) in ports.items():
        try:
            with bind(host, port):
                yield Finding(what, "ok", f"port {port} of {host} is free")
        except SettingError as error:
            said, used, _ = str(error).partition(" is in use")
            if used:
                said += f"{used}: right if it is by this service, else choose another"
            yield Finding(what, "look" if used else "mend", said)


def _clock(settings: Settings) -> Iterator[Finding]:
    now, root = time.time(), Root(settings.root)
    newest = max(root.names() if settings.root.exists() else [], default="")
    told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    ahead = newest[:16] > time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    if now < _WRITTEN or (ahead and (root.builds / newest / MANIFEST).stat().st_mtime > now):
        wrong = "the newest build is younger than that" if ahead else "that is in the past"
        yield Finding("clock", "mend", f"{told}, but {wrong}; set the clock (NTP)")
    elif ahead:
        wrong = "a build was made while the clock was ahead: the names of builds go on from there"
        yield Finding("clock", "look", f"{told}, but {wrong}")
    else:
        yield Finding("clock", "ok", told)


_LOOKS = (
    *(_version, _machine, _root, _publishing, _model, _sources),
    *(_database, _clicks, _notify, _port, _clock),
)


def _look_everywhere(settings: Settings) -> Iterator[Finding]:
    for look in _LOOKS:
        try:
            yield from look(settings)
        except (AlsoLikeError, OSError) as error:
            yield Finding(look.__name__.strip("_"), "mend", str(error))
