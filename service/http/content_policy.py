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


def inline_hashes(page: str, element: str) -> str:
    """Returns the hashes of all inline styles or scripts of a page, with spaces between.

    A ``Content-Security-Policy`` that lists them allows these styles or scripts and no others.

    Args:
        page: The HTML of the page.
        element: The name of the element, ``script`` or ``style``.
    """
    return " ".join(
        map(hash_source, re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL))
    )


def page_policy(page: str, *, styles: str = "", more: str = "") -> str:
    """Returns a ``Content-Security-Policy`` that allows only a page's own styles and some sources.

    Args:
        page: The HTML; each ``<style>`` in it is allowed by its hash, so injected styles are
            blocked.
        styles: Further sources of styles, such as ``'self'``, with spaces between.
        more: Further directives, such as ``img-src https:``, with semicolons between.
    """
    allowed = f"{inline_hashes(page, 'style')} {styles}".strip() or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src {allowed}; {more}"
    ).rstrip("; ")
