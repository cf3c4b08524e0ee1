"""Decodes foreign bytes as browsers do; the only module that imports webencodings.

A label means what the WHATWG Encoding Standard says: ``gb2312`` is GBK, ``iso-8859-1`` and
``ascii`` are windows-1252. Python's codecs of those names refuse what such pages hold.
"""

import codecs
import re

import webencodings

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# The standard decodes GBK by the larger table of GB 18030; a page can't say x-user-defined.
_OTHER_CODECS = {"gbk": "gb18030", "x-user-defined": "cp1252", "replacement": ""}
_SCANNED = 1024  # bytes in which a page declares its encoding
_XML = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']\s*([^"']{1,40})""")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/][^>]{0,1000}", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([^\s"'>/=]{1,40})\s*=\s*("[^"]*|'[^']*|[^\s"'>]+)""")
_NOT_UTF_8 = re.compile("[\udc80-\udcff]+")
_CUT = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]+")  # what is left of a character in UTF-8
_CHARSET = re.compile(r"""charset\s*=\s*+["']?\s*+([^\s"';]+)""", re.IGNORECASE)


def decode(content: bytes, declared: str = "", own: str = "", *, lenient: bool = False) -> str:
    """Decodes bytes to text; a byte order mark overrides the declared encoding, and is removed.

    Bytes that are valid UTF-8 but not valid in the declared encoding are read as UTF-8.

    Args:
        content: The bytes of a page, feed or file.
        declared: The label of its encoding, as an HTTP header gives it.
        own: What :func:`markup_encoding` gives, for where the header gives nothing that is known,
            or wrongly UTF-8. Without both it is UTF-8.
        lenient: Whether to show a character in the place of few bytes that are not valid, and read
            bytes that are not UTF-8 as windows-1252, if they look like it and nothing else is said.

    Raises:
        ValueError: If the bytes are not valid text; the message names the first invalid byte.
    """
    codec = marked_codec(content) or _codec(declared) or _codec(own) or "utf-8"
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        try:
            return content.decode()
        except UnicodeDecodeError:
            is_utf_8 = codec == "utf-8"
            text = _mixed(content, own) if is_utf_8 else content.decode(codec, errors="replace")
            is_text = b"\0" not in content and 100 * text.count("\ufffd") < len(text)
            if lenient and is_text:
                return text
            wrong = f"byte {error.start} is {error.object[error.start]:#04x}"
            remedy = "save it as UTF-8, or declare its encoding"
            raise ValueError(f"the text is not valid {codec}: {wrong}: {remedy}") from None


def _mixed(content: bytes, own: str) -> str:
    """Returns the text of bytes that are not all valid UTF-8; empty if their encoding is unknown.

    If most of those beyond ASCII are UTF-8, the others become �. Else only what is not UTF-8 is
    read in windows-1252, as in new templates around old texts.
    """
    text = content.decode(errors="surrogateescape")
    others = [one for one in _CUT.sub("", text) if not one.isascii()]
    if 2 * sum("\udc80" <= one <= "\udcff" for one in others) <= len(others):
        return content.decode(errors="replace")
    if _codec(own) not in ("", "utf-8"):
        return content.decode(_codec(own), errors="replace")
    found = [windows_1252(run) for run in _NOT_UTF_8.findall(text)]
    runs = [run for each in found for run in each.split("\xa0") if any(map(str.isalpha, run))]
    # Letters beyond ASCII stand among others in the languages of windows-1252.
    is_western = 4 * sum(len(run) for run in runs if len(run) > 2) <= sum(map(len, runs))
    return windows_1252(text) if is_western else ""


def windows_1252(text: str) -> str:
    """Returns a text whose bytes that are not UTF-8, as surrogates, are read in windows-1252."""
    return _NOT_UTF_8.sub(
        lambda found: found[0].encode(errors="surrogateescape").decode("cp1252", errors="replace"),
        text,
    )


def marked_codec(content: bytes) -> str:
    """Returns the Python codec for the byte order mark at the beginning; empty if there is none.

    Decoding with this codec removes the mark.
    """
    return next((codec for mark, codec in _MARKS.items() if content.startswith(mark)), "")


def markup_encoding(content: bytes) -> str:
    """Returns the encoding that an HTML page or an XML document declares; empty if none.

    The declaration is looked for in the first 1,024 bytes; in all bytes if they are not UTF-8.
    """
    if content.startswith((b"<\0?\0", b"\0<\0?")):
        return "utf-16le" if content[0] else "utf-16be"
    found = _declared(content[:_SCANNED])
    if not found:
        try:
            content.decode()
        except UnicodeDecodeError:
            found = _declared(content)
    return found


def charset_of(content_type: str) -> str:
    """Returns the ``charset`` parameter of a Content-Type header; empty if it has none."""
    found = _CHARSET.search(content_type)
    return found[1] if found else ""


def codec_of(label: str) -> str:
    """Returns the Python codec for an encoding's name, as it is written in the settings.

    Besides the names that browsers know, those that only Python knows are valid (``cp850``).

    Raises:
        LookupError: If there is no text encoding of this name.
    """
    try:
        name = codecs.lookup(label).name
        "".encode(name)
    except LookupError:
        name = ""
    codec = _codec(label) or _codec(name.replace("iso8859", "iso-8859")) or name
    if not codec:
        raise LookupError(f"there is no text encoding {label!r}")
    return codec


def _codec(label: str) -> str:
    """Returns the Python codec for a label of the web; empty if there is none."""
    encoding = webencodings.lookup(label)
    if encoding is None:
        return ""
    return str(_OTHER_CODECS.get(encoding.name, encoding.codec_info.name))


def _declared(content: bytes) -> str:
    labels = [found[1].decode("latin-1")] if (found := _XML.match(content)) else []
    for meta in _META.findall(_COMMENT.sub(b"", content)):
        values = {
            name.lower(): value.strip(b"\"' \t\r\n").decode("latin-1")
            for name, value in _ATTRIBUTE.findall(meta)
        }
        labels.append(values.get(b"charset", ""))
        if values.get(b"http-equiv", "").lower() == "content-type":
            labels.append(charset_of(values.get(b"content", "")))
    known = next((label for label in labels if _codec(label)), "")
    # A declaration that can be read as ASCII proves that the bytes are not UTF-16.
    return "utf-8" if _codec(known).startswith("utf-16") else known
