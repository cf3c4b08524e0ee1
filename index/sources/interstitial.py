"""Finds interstitial pages, which a server shows in the place of the one that was asked for."""

import html
import re
from urllib.parse import parse_qsl, unquote

from index.articles.language_tags import is_language, is_locale
from index.articles.page_words import page_words, words_of
from index.articles.urls import split_url
from index.sources.host_rules import redacted
from index.sources.http_client import FetchError
from recommender.translations import COUNTRIES

_READ = 64 * 1024  # bytes
_MOST_TEXT, _MOST_LINKS = 2_000, 5  # characters; pages of a site have more of one or the other
_LITTLE_TEXT = 600  # of a page that is known by its title alone
_TITLE = re.compile(
    r"<(title|h1)\b[^<>]{0,300}>(.{1,500}?)(?=</\1\b|\Z)", re.IGNORECASE | re.DOTALL
)
_MARK = re.compile(words_of("interstitial_mark"), re.IGNORECASE)
_LINK = re.compile(r"<a\s", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"<(script|style|svg)\b.*?(?:</\1\b|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL
)
_SEPARATOR = re.compile(r"\s[|\u2013-]\s")
_HOME = re.compile(
    r"(/(?P<folder>[a-z]{2}([-_]([a-z]{2}|hans|hant|latn|cyrl|arab))?)(?=[/?]|\Z))?"
    r"/?((index\.\w{3,5})?|\?(?!\w+=\d).*)",  # but not /?p=5
    re.IGNORECASE,
)
_PASSWORD = re.compile(rb"<input\s[^<>]{0,500}\btype\s?=\s?[\"']?password", re.IGNORECASE)
_SUFFIX = re.compile(r"\.\w{2,5}\Z")


def check_is_no_interstitial(url: str, content: bytes) -> None:
    """Checks that no check of visitors and no notice of repair was sent in the place of a page.

    Raises:
        FetchError: If one was. Its reason is ``unreachable``: it says nothing of the page itself.
    """
    if len(content) >= _READ or content.count(b"<a ") > _MOST_LINKS:
        return  # cheap, as a build checks each stored page anew
    text = _read(content)
    found = [(tag.lower(), shown) for tag, part in _TITLE.findall(text) if (shown := _text(part))]
    titles, headings = ([one for tag, one in found if tag == kind] for kind in ("title", "h1"))
    title = titles[0] if titles else ""
    is_interstitial = page_words("interstitial").fullmatch
    named = headings or [_SEPARATOR.split(title)[0]]
    is_named = is_interstitial(title) or all(map(is_interstitial, named))
    has_mark = _MARK.search(text)
    if (has_mark or is_named) and _is_short(content, _MOST_TEXT if has_mark else _LITTLE_TEXT):
        shown = title or (headings[0] if headings else "a check of visitors")
        raise FetchError(
            f"{redacted(url)} shows {shown!r} in the place of the page; if that lasts, let the "
            "user agent alsolike pass the site's protection",
            "unreachable",
        )


def check_leads_to_page(asked: str, url: str, content: bytes) -> None:
    """Checks that the address to which one redirects may be its page's.

    Raises:
        FetchError: If it is the home page's, or that of a page which visitors see first.
    """
    old, new = split_url(asked), split_url(url)
    before, after = ("?".join(filter(None, (one.path, one.query))) for one in (old, new))
    if _is_home(after, before) and not _is_home(before, before):
        raise FetchError("it redirects to the home page, so it seems to be gone", "gone")
    given = {split_url(value).path.rstrip("/") for _, value in parse_qsl(new.query)}
    leads_back = new.path != old.path and unquote(old.path).rstrip("/") in given - {""}
    names = [_SUFFIX.sub("", name) for name in new.path.split("/")]
    names = [name for name in names if name not in ("", "index", *old.path.split("/"))]
    login, consent = page_words("login_path"), page_words("consent_path")
    is_consent = any(map(consent.fullmatch, names))
    if leads_back:
        is_first = bool(is_consent or any(map(login.fullmatch, names)) or _PASSWORD.search(content))
    elif names and login.fullmatch(names[-1]) and _PASSWORD.search(content):
        is_first = len(_text(_read(content))) <= _MOST_TEXT
    else:
        is_first = is_consent and _is_short(content)
    if is_first:
        raise FetchError(
            f"it redirects to {new.path[:200]!r}, which visitors have to pass first",
            "unreachable" if is_consent else "refused",
        )


def _is_home(address: str, asked: str) -> bool:
    """Tells whether an address is that of the home page, or of the home page of a language.

    Args:
        address: The path with the query.
        asked: The address that was asked for; in its folder a language needs no slash.
    """
    found = _HOME.fullmatch(address)
    if not found or not found["folder"]:
        return found is not None
    tag = found["folder"].lower().replace("_", "-")
    if not is_language(tag) and tag not in COUNTRIES:
        return False
    folder = f"/{found['folder']}/"
    return f"{asked}/".startswith(folder) or (address.startswith(folder) and is_locale(tag))


def _read(content: bytes) -> str:
    return html.unescape(content[:_READ].decode(errors="replace"))


def _text(markup: str) -> str:
    return " ".join(_NO_TEXT.sub(" ", markup).split())


def _is_short(content: bytes, most_text: int = _MOST_TEXT) -> bool:
    text = _read(content)
    is_whole = len(content) < _READ and len(_LINK.findall(text)) <= _MOST_LINKS
    return is_whole and len(_text(text)) <= most_text
