"""Makes the keys that tell which pages are translations of each other."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from index.articles.record import id_text
from index.articles.urls import url_key
from recommender.article import check_id

_MOST = 2_048
_DEFAULT = "x-default"


def read_translation_key(value: Any) -> str | None:
    """Parse a translation key, the text or number that all translations of a page share.

    An empty key becomes ``None``.

    Raises:
        ArticleError: If the value is neither text nor a number, too long, or not valid Unicode.
    """
    key = " ".join(id_text(value, "translation_key").split())
    return check_id(key, field="translation_key", longest=_MOST) if key else None


class Alternates(NamedTuple):
    """What a page's links to its translations (``hreflang``) say.

    Attributes:
        language: The language that these links give for the page itself; empty if none.
        key: A text that is the same for all translations of the page, since they have the same
            links; empty if these lead to no other page.
    """

    language: str = ""
    key: str = ""


def read_alternates(links: Iterable[tuple[str, str]], own: str) -> Alternates:
    """Return a page's language and translation key from its links to translations.

    Args:
        links: The language (``hreflang``) and the address of each link; one that lacks either, such
            as a link to an app, is passed over.
        own: The page's own address; empty if unknown. All addresses are absolute, or all relative
            to the site.
    """
    # What x-default leads to may be a page that lets readers choose, the same for all.
    others = {
        url_key(url): language
        for language, url in links
        if url and language.lower() not in ("", _DEFAULT)
    }
    own_key = url_key(own) if own else ""
    keys = {*others, *filter(None, [own_key])}
    key = f"alternates of {min(keys)}" if len(keys) > 1 else ""
    return Alternates(others.get(own_key, ""), key)


def find_translations(post: Mapping[str, Any], site: str) -> str:
    """Return a text that all translations of a WordPress post share; empty if it names none.

    Polylang gives ``translations``, the number of each language's post; WPML's REST add-on gives
    ``wpml_translations``, a list of objects with ``id``.

    Args:
        post: The post, as the REST API returns it.
        site: The site's address, which becomes a part of the key.
    """
    given = post.get("translations") or post.get("wpml_translations")
    named = given.values() if isinstance(given, Mapping) else given
    numbers = {
        number
        for one in (named if isinstance(named, Iterable) else ())
        if isinstance(number := one.get("id") if isinstance(one, Mapping) else one, int)
    }
    numbers.add(int(post["id"]))
    return f"post {min(numbers)} of {site}" if len(numbers) > 1 else ""
