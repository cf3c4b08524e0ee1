"""Versions: the number by which one of several versions of an article is the newer."""

import re

_NUMBER = r"(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?![\w.]*\d)"
_NAMED = re.compile(rf"\b(?:v|ver|version|release|rev|revision|edition)[.\s_-]?{_NUMBER}", re.I)
_DOTTED = re.compile(r"(?<![\w.])(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![\w.]*\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:-(\d\d)(?:-(\d\d))?)?(?!\d)")
_PLAIN = re.compile(r"(?<![^\W_])(\d{1,6})(?![^\W_])")
_PART = re.compile(
    r"(?:part|chapter|episode|lesson|day|week|step|volume|vol|no|nr|#|teil|kapitel|folge|tag|partie"
    r"|chapitre|parte|capítulo|deel)[.\s_-]*\Z",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_BEFORE_RELEASE = re.compile(r"[\s._-]*(?:alpha|beta|rc|preview|draft|dev)\b", re.IGNORECASE)
_BITS = 20


def version_number(title: str, article_id: str) -> int:
    """Return an article's version as a number, higher for newer; 0 if title and id name none.

    ``v2`` is newer than ``1.9``, 2.10 than 2.9, 2.0 than 2.0-beta, 2025 than 2024. The number of a
    part ("Part 2") is no version. The id is only read if the title names no version.
    """
    return _number_in(title) or _number_in(article_id)


def _number_in(text: str) -> int:
    if not _DIGIT.search(text):  # most titles name no number, and this is faster
        return 0
    for form in (_NAMED, _DOTTED, _YEAR, _PLAIN):
        for found in form.finditer(text):
            if form is not _NAMED and _PART.search(text, max(0, found.start() - 20), found.start()):
                continue
            parts = [int(part or 0) for part in (*found.groups(), 0, 0)][:3]
            number = (parts[0] << 2 * _BITS) + (parts[1] << _BITS) + parts[2] + 1
            return number - bool(_BEFORE_RELEASE.match(text, found.end()))
    return 0
