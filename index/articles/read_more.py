# ruff: noqa: RUF001 - words of many languages
"""Recognizes the words by which an excerpt leads to its own article, such as "Continue reading"."""

from __future__ import annotations

import re

_WORDS = r"""(?:
    (?:continue|keep)\s(?:on\s)?reading | read\s(?:more|on|further)
  | read\sthe\s(?:rest|full|whole|entire|complete)\s?[\w ]{0,30} | (?:learn|see|view|show)\smore
  | view\s(?:full\s)?(?:post|article|story) | full\s(?:article|story|post) | more
  | weiterlesen | weiter\slesen | mehr\s(?:lesen|erfahren|dazu) | (?:den\s)?(?:ganzen\s)?(?:artikel|
    beitrag)\s(?:weiter)?lesen | lire\s(?:la\ssuite|plus|l[’']article) | continuer\s(?:la\slecture|
    de\slire|à\slire) | en\ssavoir\splus | (?:leer|ver|saber)\smás | (?:seguir|sigue|continuar|
    continúa)\sleyendo | leggi\s(?:tutto|di\spiù|altro|l[’']articolo) | continua\s(?:a\sleggere|
    a\sler|la\slettura) | continuar\s(?:a\sler|lendo|a\sleitura) | (?:ler|leia|saiba)\smais
  | continue\s(?:lendo|a\sler) | (?:lees|verder|meer)\s(?:verder|meer|lezen) | läs\s(?:mer|vidare)
  | fortsätt\släsa | les\s(?:mer|videre) | fortsett\så\slese | læs\s(?:mere|videre)
  | fortsæt\slæsning | lue\slisää | jatka\slukemista | czytaj\s(?:dalej|więcej)
  | przeczytaj\swięcej | číst\s(?:více|dál|dále) | čítať\sviac | olvass\stovább | tovább\solvasom
  | citește\smai\s(?:mult|departe) | devamını\soku | читать\s(?:далее|дальше|полностью)
  | читати\sдалі | прочети\sповече | διαβάστε\sπερισσότερα | اقرأ\sالمزيد | ادامه\sمطلب
  | (?:קרא|קראו)\sעוד | (?:続き|もっと)を?(?:読む|見る) | (?:阅读|閱讀|查看)(?:更多|全文|原文)
  | (?:继续|繼續)(?:阅读|閱讀) | 더\s?(?:읽기|보기) | 계속\s?읽기
  | selengkapnya | đọc\s(?:tiếp|thêm)
)"""
_MARK = r"(?:\[\s*(?:…|\.\.\.)\s*\]|…|\.\.\.)"
_LINK = re.compile(rf"\W*{_WORDS}(?:[\s\W].{{0,300}})?", re.IGNORECASE | re.VERBOSE | re.DOTALL)
_AT_END = re.compile(
    rf"(?P<before>{_MARK}|[.!?。！？])\s*(?P<open>[(\[])?\s*{_WORDS}"
    r"(?:\s*[“\"«„‘'‹:].{0,200})?[\s)\]→»›>.…]*\Z",
    re.IGNORECASE | re.VERBOSE,
)
_CUT = re.compile(r"\s*\[\s*(?:…|\.\.\.)\s*\]\s*\Z")
_APPEARED = re.compile(
    r"""(?:^|\s)(?:the\spost|der\sbeitrag|l[’']article|cet\sarticle|la\sentrada|l[’']articolo
      |het\sbericht|o\s(?:post|artigo)|artykuł|wpis|inlägget|indlægget|innlegget|сообщение|запись)
      \s.{0,300}?
      (?:appeared\sfirst\son|first\sappeared\son|erschien\szuerst\s(?:auf|bei)
      |est\sapparu\sen\spremier\ssur|(?:se\spublicó|aparece|apareció)\sprimero\sen
      |(?:proviene\sda|sembra\sessere\sil\sprimo\ssu)|verscheen\seerst\sop|apareceu\sprimeiro\sem
      |pochodzi\sz\sserwisu|dök\sförst\supp\spå|blev\sførst\sudgivet\spå|dukket\sførst\sopp\spå
      |(?:появились|впервые\sпоявилась|взята)\s(?:сначала\s)?(?:на|с))
      \s.{0,200}\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_LAST = 800  # characters at a text's end that are looked at


def is_read_more(text: str) -> bool:
    """Tell whether a link's words are those of a link that continues an excerpt."""
    return bool(_LINK.fullmatch(" ".join(text.split())[:_LAST]))


def without_read_more(text: str) -> str:
    """Return an excerpt of plain text without the words at its end that lead to its article.

    Words such as "Read more" go where a sentence or a cut mark stands before them; ``[…]`` becomes
    "…"; and the line "The post … appeared first on …" goes, in the languages of the larger sites.
    """
    if not text:
        return text
    head, end = text[:-_LAST], text[-_LAST:]
    end = _APPEARED.sub("", end).rstrip()
    if found := _AT_END.search(end):
        end = end[: found.end("before")]
    cut = _CUT.sub("…", end)
    return head + cut
