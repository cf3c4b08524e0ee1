"""Renders the editors' pages from templates, with a policy of what their scripts may do."""

import datetime as dt
import re
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from babel.dates import format_datetime
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from recommender.visibility import NEVER, microseconds
from service.editor.labels import capitalized
from service.http.auth import Identity
from service.http.content_policy import hash_source
from service.http.html_fragment import load_templates
from service.http.problems import ProblemError
from service.http.static_files import STATIC
from service.http.timestamps import local_time
from service.serving.live import Live
from service.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https: data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_CARDS_STYLE = (STATIC / "widget.css").read_text() + (
    ":root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }\n"
    "body { margin: 0; padding: 1px; }\n"
    ".alsolike { margin: 0; }\n"
)
"""The CSS of the frame that shows a list as readers see it: the widget's, and three rules more."""

_OWN_ADDRESS = re.compile(rb'(?<= )(?:href|src|action)="(?=/(?:editor|docs)[/?"])')

_HEADINGS = {403: "Not allowed", 404: "Not found", 503: "Not available now"}

_WHEN = "d MMM y, HH:mm z"


class PageTemplates:
    """Renders the editors' pages from the templates in ``templates/editor``.

    Args:
        settings: The effective settings; used are the time zone, the path prefix, and whether
            clicks are counted.
        live: Holds the published build and the editors' decisions. Every page shows a warning if
            their copy on disk (the snapshot) is out of date.
    """

    def __init__(self, settings: Settings, live: Live) -> None:
        self._zone = settings.zone
        self._prefix = settings.path_prefix.encode()
        self._templates = load_templates()
        self._templates.filters.update(
            iso=self._iso,
            when=self.when,
            query=_query,
            number="{:,}".format,
            lang=_lang,
            marked=_marked,
            day=self._day,
            share=_share,
            capitalized=capitalized,
        )
        self._templates.globals.update(
            counted=settings.clicks,
            never=NEVER,
            unsaved=lambda: live.keeper.kept.unsaved is not None,
        )

    def render(
        self,
        template: str,
        person: Identity | None,
        *,
        here: str = "",
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """Renders an editors' page from a template.

        Args:
            template: The template's name in ``templates/editor``, without ``.html``.
            person: The signed-in editor; ``None`` if nobody is signed in.
            here: The item of the main navigation that is marked as the current page, such as
                ``find``; by default the one that is named like the template, if any.
            status: The HTTP status of the response.
            **values: The values that the template shows, by name.
        """
        page = self._templates.get_template(f"editor/{template}.html")
        content = page.render(person=person, here=here or template, **values)
        # UTF-8 can't encode a title with lone surrogates.
        encoded = self.below_prefix(content.encode(errors="replace"))
        return HTMLResponse(encoded, status, {"Content-Security-Policy": POLICY})

    def header(self, person: Identity, *, here: str) -> Markup:
        """Returns the HTML of every page's header: the navigation, and who is signed in.

        Args:
            person: The signed-in editor.
            here: The item of the navigation that is marked as the current page; empty for none.
        """
        header = self._templates.get_template("editor/header.html")
        return Markup(header.render(person=person, here=here))  # noqa: S704 - from our template

    def below_prefix(self, page: bytes) -> bytes:
        """Inserts the setting ``path_prefix`` into a page's links to the service's own pages.

        A text of an article can't be taken for such a link, since its quotation marks are escaped.

        Args:
            page: The HTML of the page.
        """
        return _OWN_ADDRESS.sub(rb"\g<0>" + self._prefix, page) if self._prefix else page

    def frame(self, cards: bytes, site_url: str | None) -> HTMLResponse:
        """Returns a document for an iframe, which shows an article's list just as readers get it.

        The document's base URL is the site's, so that images and links lead there. Only the
        widget's styles apply. No script can run in the document, and it can't access the page
        around it.

        Args:
            cards: The HTML of the section "You May Also Like".
            site_url: The site's URL without a slash at the end, if known.
        """
        page = self._templates.get_template("editor/cards.html")
        content = page.render(
            cards=Markup(cards.decode()),  # noqa: S704 - escaped where it was made
            style=Markup(_CARDS_STYLE),  # noqa: S704 - ours
            site_url=site_url,
        )
        origin = (
            "'none'" if site_url is None else "{0.scheme}://{0.netloc}".format(urlsplit(site_url))
        )
        policy = (
            "sandbox allow-same-origin allow-popups; default-src 'none'; "
            f"style-src {hash_source(_CARDS_STYLE)}; img-src 'self' http: https: data:; "
            f"base-uri {origin}; form-action 'none'; frame-ancestors 'self'"
        )
        return HTMLResponse(content.encode(), headers={"Content-Security-Policy": policy})

    def problem(self, problem: ProblemError, person: Identity | None = None) -> HTMLResponse:
        """Renders the page that shows an error.

        Args:
            problem: The error.
            person: The signed-in editor; ``None`` if nobody is signed in.
        """
        answer = self.render(
            "problem",
            person,
            status=problem.status,
            title=_HEADINGS.get(problem.status, "This could not be done"),
            detail=problem.detail,
        )
        answer.headers.update(problem.headers or {})
        return answer

    def when(self, instant: int) -> str:
        """Formats a time for people, in the site's time zone, such as ``5 Jan 2024, 09:30 UTC``.

        Args:
            instant: Microseconds since 1970 UTC; if too large for a date, the result is ``no end``.
        """
        local = local_time(instant, self._zone)
        return "no end" if local is None else format_datetime(local, _WHEN, locale="en")

    def _day(self, text: str) -> str:
        """Formats an ISO 8601 timestamp for people, such as ``5 Jan 2024, 09:30 UTC``."""
        return self.when(microseconds(dt.datetime.fromisoformat(text)))

    def _iso(self, instant: int) -> str:
        local = None if instant == NEVER else local_time(instant, self._zone)
        return "" if local is None else local.isoformat(timespec="seconds")


_query = partial(quote, safe="", errors="replace")


def _share(rate: float) -> str:
    """Formats a share for people, such as ``9.8 %``, or ``0.42 %`` if it is below 1 %."""
    return f"{100 * rate:.{1 if rate >= 0.01 or not rate else 2}f}\u202f%"


def _marked(text: str, words: str) -> Markup:
    """Returns a text as HTML in which the words of a search are marked, where words begin."""
    sought = "|".join(map(re.escape, words.split()))
    parts = re.split(rf"\b({sought})", text, flags=re.IGNORECASE) if sought else [text]
    escaped = (escape(part) for part in parts)
    marked = (f"<mark>{part}</mark>" if at % 2 else part for at, part in enumerate(escaped))
    return Markup("".join(marked))  # noqa: S704 - each part is escaped


def _lang(language: str | None) -> Markup:
    """Returns the HTML attributes that mark text in an article's language: ``lang`` and ``dir``.

    Args:
        language: The language tag; ``None`` if unknown, which gives ``dir="auto"`` alone.
    """
    return Markup(' lang="{}" dir="auto"').format(language) if language else Markup(' dir="auto"')
