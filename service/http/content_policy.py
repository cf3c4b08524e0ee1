"""Makes the header ``Content-Security-Policy``, which says what a page may load and run."""

import base64
import hashlib
import re


def hash_source(text: str) -> str:
    """Returns the hash that allows an inline style or script in ``Content-Security-Policy``.

    It includes the quotation marks, such as ``'sha256-47DEQ…='``.

    Args:
        text: The content of the element ``<style>`` or ``<script>``.
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page_policy(page: str, *, styles: str = "", more: str = "") -> str:
    """Returns a ``Content-Security-Policy`` that allows only a page's own styles and some sources.

    Args:
        page: The HTML; each ``<style>`` in it is allowed by its hash, so injected styles are
            blocked.
        styles: Further sources of styles, such as ``'self'``, with spaces between.
        more: Further directives, such as ``img-src https:``, with semicolons between.
    """
    hashes = map(hash_source, re.findall("<style[^>]*>(.*?)</style>", page, re.DOTALL))
    allowed = f"{' '.join(hashes)} {styles}".strip() or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src {allowed}; {more}"
    ).rstrip("; ")
