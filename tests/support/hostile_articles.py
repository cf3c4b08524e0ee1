"""Articles as an attacker would write them."""

from __future__ import annotations

from typing import Any

from tests.support.articles import prose

PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><iframe srcdoc='<script>parent.alert(1)</script>'>",
    "' autofocus onfocus=alert(1) x='",
    '" onmouseover="alert(1)" style="position:fixed;inset:0',
    "<a href=javascript:alert(1)>x</a>",
    "{{ 7*7 }}{% raw %}${7*7}<%= 7*7 %>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "<!--><img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "<style>@import'//evil.example/x.css'</style>",
    "\u202egnp.exe\u2066 \u2028\u2029\u0085",
    "<base href=//evil.example/><form action=//evil.example><button>",
    "<template><script>alert(1)</script></template><math><mi xlink:href=javascript:alert(1)>",
]

LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "blob:https://evil.example/1",
    "https://",
    "file:///etc/passwd",
]


def hostile_records() -> list[dict[str, Any]]:
    """An article per payload, with it in every field; two per link; a few that are fine."""
    records = [
        {
            "id": f"payload-{number}",
            "title": f"{payload} {number}",
            "excerpt": payload,
            "sections": [{"heading": payload, "text": f"{payload} {prose(number)}"}],
            "image": {"src": "/picture.svg", "alt": payload},
            "tags": [payload],
            "authors": [payload],
            "language": payload if number % 2 else "en",
            "date": "2026-03-05",
        }
        for number, payload in enumerate(PAYLOADS)
    ]
    records += [
        {
            "id": f"{name}-{number}",
            "title": f"{name.capitalize()} {number}",
            "summary": prose(100 * (1 + len(name)) + number),
            **({"url": link} if name == "link" else {}),
            "image": {"src": link, "alt": "a picture"},
        }
        for name in ("link", "image")
        for number, link in enumerate(LINKS)
    ]
    records += [
        {"id": payload, "title": f"Id {number}", "summary": prose(200 + number)}
        for number, payload in enumerate(PAYLOADS)
    ]
    records += [
        {"id": f"fine-{number}", "title": f"Piece {number}", "summary": prose(300 + number)}
        for number in range(12)
    ]
    return records
