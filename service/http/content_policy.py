"""Makes the header ``Content-Security-Policy``, which says what a page may load and run."""

import base64
import hashlib
import re


def hash_source(text: str) -> str:
    """Returns the hash by which a policy allows an inline style or script: ``'sha256-47DEQ…='``."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def inline_hashes(page: str, element: str) -> str:
    """Returns the hashes of all inline styles or scripts of a page, with spaces between.

    Args:
        page: The HTML of the page.
        element: The name of the element, ``script`` or ``style``.
    """
    return " ".join(
        map(hash_source, re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL))
    )


def page_policy(page: str, *, styles: str = "", more: str = "") -> str:
    """Returns a policy that allows a page's own styles and the given sources.

    Args:
        page: The HTML; each ``<style>`` in it is allowed by its hash, so injected styles are
            blocked.
        styles: Further sources of styles.
        more: Further directives.
    """
    allowed = f"{inline_hashes(page, 'style')} {styles}".strip() or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src {allowed}; {more}"
    ).rstrip("; ")
