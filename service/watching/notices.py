"""Notifies people of what they should know: a build that was refused or failed, ended pins."""

import json
import logging
import shlex
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from index.errors import SourceError
from index.query import RelatedQuery
from index.root.journal import utc_timestamp
from index.root.root import Root
from index.sources.host_rules import HostRules, origin_of
from index.sources.http_connection import connected
from recommender.errors import AlsoLikeError
from recommender.visibility import utc_now
from service.curation.pin_alerts import AlertReason, find_alerts
from service.decisions.decision_state import DecisionState, OverrideKind
from service.decisions.list_scope import name_lists
from service.decisions.open_decisions import read_state
from service.serving.serving_view import ServingView
from service.settings import Settings, masked_notify

log = logging.getLogger("alsolike")

LIMIT = 10.0
"""Seconds in which a command must end, and an address answer."""

_HOUR = 3_600
_MOST_TOLD = 1_000
_told_until: dict[tuple[Path, str], float] = {}
_MOST_PINS = 100
_ANYWHERE = ("0.0.0.0/0", "::/0")  # the operator names the address


def notify(settings: Settings, event: str, message: str, build: str = "") -> None:
    """Sends a message to the command or URL that the setting ``notify`` names.

    A command gets it as a JSON object on its standard input, a URL in the body of a POST. Its
    fields are ``event``, ``message``, ``build``, ``root`` and ``at``. The same message is sent once
    an hour at most. If it can't be sent, that is only logged.

    Args:
        settings: The effective settings.
        event: The kind of event: ``refused``, ``failed``, ``source`` or ``pins``.
        message: What happened, as text for people.
        build: The name of the build that the message is about, if any.
    """
    target = settings.notify
    now, about_it = time.monotonic(), (settings.root, message)
    if not target or now < _told_until.get(about_it, 0):
        return
    if len(_told_until) > _MOST_TOLD:
        _told_until.clear()
    _told_until[about_it] = now + _HOUR
    about = {"event": event, "message": " ".join(message.splitlines()), "build": build}
    about |= {"root": str(settings.root.absolute()), "at": utc_timestamp()}
    content = json.dumps(about, ensure_ascii=False).encode()
    try:
        if target.startswith(("http://", "https://")):
            _post(target, content)
        else:
            subprocess.run(  # noqa: S603 - the operator's own command
                shlex.split(target), input=content, check=True, capture_output=True, timeout=LIMIT
            )
    except (OSError, HTTPException, SourceError, ValueError, subprocess.SubprocessError) as error:
        reason = str(error)
        if isinstance(error, subprocess.SubprocessError):  # whose text has the whole command
            code = getattr(error, "returncode", None)
            reason = f"it took over {LIMIT:g} s" if code is None else f"it ended with {code}"
        shown = masked_notify(target)
        log.warning("notify = %s failed (%s); it was to be told: %s", shown, reason, message)


def _post(url: str, content: bytes) -> None:
    parts, origin = urlsplit(url), origin_of(url)
    address = HostRules(hosts=(str(origin),), private=_ANYWHERE).address(origin)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    headers = {"Host": str(origin), "Content-Type": "application/json", "Connection": "close"}
    with connected(origin, address, LIMIT) as connection:
        connection.request("POST", path, body=content, headers=headers)
        with connection.getresponse() as response:
            if response.status >= 300:
                raise HTTPException(f"the address answered with HTTP status {response.status}")


def tell_ended_pins(root: Root, settings: Settings, before: str, name: str) -> None:
    """Sends a notice of the pins that ended, or lost their effect, since the last full build.

    Args:
        root: The folder that holds the builds.
        settings: The effective settings; ``notify`` says to whom the notice is sent.
        before: The name of the build that was live before; may be a small one.
        name: The name of the full build that is live now.
    """
    if not settings.notify:
        return
    try:
        state, old = read_state(settings), root.open(root.manifest(before).full or before)
        new = root.open(name)
        now = utc_now()
        since = now - int(old.age() * 1_000_000)
        known = {*_without_effect(ServingView(old, state), since, settings.query)}
        without = _without_effect(ServingView(new, state), now, settings.query)
        found = [*without, *_ended(state, since, now)]
        ended = [one for one in found if one not in known]
    except AlsoLikeError as error:
        log.warning("pins that ended can't be told: %s", error)
        return
    if ended:
        more = f"; and {len(ended) - _MOST_PINS} more" * (len(ended) > _MOST_PINS)
        notify(settings, "pins", "; ".join(ended[:_MOST_PINS]) + more, build=name)


def _without_effect(served: ServingView, now: int, query: RelatedQuery) -> Iterator[str]:
    for alert in find_alerts(served, now=now, query=query):
        if alert.reason is not AlertReason.EXPIRES:
            yield f"in {name_lists(alert.override.article_id)}, {alert.sentence()}"


def _ended(state: DecisionState, since: int, now: int) -> Iterator[str]:
    for some in state.overrides.values():
        for one in some:
            if one.kind is OverrideKind.PIN and since < one.until <= now:
                yield f"in {name_lists(one.article_id)}, the pin of {one.target_id} has ended"
