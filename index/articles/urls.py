"""Addresses of articles and images: which are safe in a page, and which name the same page."""

import functools
import re
import unicodedata
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from recommender.article import without_fragment
from recommender.errors import ArticleError

MAX_URL = 2048
"""Longest link in characters."""

_DEFAULT_PORTS = {None, 80, 443}
_INDEX_PAGE = re.compile(r"/index\.(?:x?html?|php)\Z", re.IGNORECASE)
_TRACKING = re.compile(
    r"(?:(?:utm|mtm)_.*|pk_(?:campaign|kwd)|gclid|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid"
    r"|mc_[ce]id|_g[al]|srsltid|_hs(?:enc|mi))",
    re.IGNORECASE,
)
_ORIGIN = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign))="
    r"|(?:cmp(?:id)?|dgcid|emc|from|mod|ncid|partner|ref|source|src|wprss|wt_mc|xtor)=rss(?![a-z])"
    r"|af=r(?![a-z])",  # journals'
    re.IGNORECASE,
)
_PLAIN_URL = re.compile(
    r"(?:https?://[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z])?/(?!/)[\w/.~%-]*", re.ASCII
)
_SIMPLE_URL = re.compile(
    r"(?:https?://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*))?((?:/[\w~-]+)*)/?", re.ASCII
)
_NOT_IN_HOST = re.compile(r"[\x00-\x20\x7f<>^|%#/?@:\[\]\\]")
_LIKE_IPV4 = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")


def check_url(url: str, *, field_name: str = "url") -> str:
    """Return ``url`` if it is safe to put into a page: http, https, or relative to the site.

    Args:
        url: The link to check.
        field_name: The name of the link's field, for the error message.

    Raises:
        ArticleError: If the link has another scheme (``javascript:``), no host, or is too long.
    """
    if len(url) <= MAX_URL and _PLAIN_URL.fullmatch(url):  # most are, and this is faster
        return url

    def fault(reason: str, message: str) -> ArticleError:
        return ArticleError(field_name, reason, f"{field_name} {message}")

    if len(url) > MAX_URL:
        raise fault("too-long", f"exceeds {MAX_URL} characters")
    if _NOT_IN_URL.search(url):
        held = "contains white space, a backslash or a control character"
        raise fault("invalid", f"{url!r:.80} {held}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise fault("invalid", f"{url!r:.80}: {error}") from None
    if "@" in parts.netloc:
        raise fault("unsafe", f"of {parts.hostname} holds a user or a password; leave these out")
    if parts.scheme in ("http", "https") and parts.hostname:
        if not _is_host(parts.hostname):
            raise fault("invalid", f"{url!r:.80} has a host that browsers refuse")
        return url
    # Browsers read two or more leading slashes as the beginning of a host name.
    if not url.startswith("//") and url.startswith(("/", "./", "../", "?")):
        return url
    raise fault("unsafe", f"{url!r:.80} must begin with http://, https:// or /")


def _is_host(host: str) -> bool:
    """Return whether browsers can parse a host; of those that end in a number, only addresses."""
    if ":" in host or _LIKE_IPV4.fullmatch(host):
        try:
            ip_address(host.removesuffix("."))
        except ValueError:
            return False
        return True
    return not _NOT_IN_HOST.search(unquote(host))


def split_url(url: str) -> SplitResult:
    """Split an address into its parts; all parts of an invalid address are empty."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def join_url(base: str, url: str) -> str:
    """Resolve a relative address against a base; an invalid address is returned unchanged."""
    try:
        return urljoin(base, url)
    except ValueError:  # the record parser reports it
        return url


def without_origin(url: str) -> str:
    """Return an address without what only says that its reader comes from a feed."""
    head, _, fragment = url.partition("#")
    path, _, query = head.partition("?")
    pairs = [pair for pair in query.split("&") if not _ORIGIN.match(pair)]
    rest = "?" * bool(query and pairs) + "&".join(pairs)
    return path + rest + (f"#{fragment}" if fragment and not _ORIGIN.match(fragment) else "")


@functools.lru_cache(maxsize=4_096)  # every page of a site has the same links at its top and bottom
def url_key(url: str) -> str:
    """Return a text that is the same for all addresses of one page.

    Scheme, default port, user name, the host's case, a trailing slash, ``index.html``, parameters
    that only count visitors (``utm_source``), the order of the others, the way in which characters
    are escaped, and the fragment make no difference. A fragment that names the page is
    kept: see :func:`recommender.article.without_fragment`.

    Args:
        url: An absolute address, or one relative to the site (``/path``). The caller must first
            resolve an address that is relative to a page.

    Returns:
        The key, which is not itself an address; that of an absolute address begins with ``//``.
    """
    if found := _SIMPLE_URL.fullmatch(url):  # most are, and this is faster
        host, path = found.groups()
        return f"//{host}{path}" if host else path or "/"
    try:
        parts = urlsplit(unicodedata.normalize("NFC", without_fragment(url.strip())))
        host, port = parts.hostname or "", parts.port
        path = _INDEX_PAGE.sub("/", urljoin("/", parts.path or "/"))
    except ValueError:
        return url
    if parts.scheme not in ("", "http", "https"):
        return url
    segments = (unicodedata.normalize("NFC", unquote(part)) for part in path.split("/"))
    path = "/".join(quote(segment, safe="") for segment in segments).rstrip("/")
    if host:
        suffix = "" if port in _DEFAULT_PORTS else f":{port}"
        path = f"//{_ascii_host(host)}{suffix}{path}"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode(sorted(pair for pair in pairs if not _TRACKING.fullmatch(pair[0])))
    route = parts.fragment
    return f"{path}{query and '?'}{query}{route and '#'}{route}" or "/"


def _ascii_host(host: str) -> str:
    try:
        return host.rstrip(".").encode("idna").decode()
    except UnicodeError:
        return host
