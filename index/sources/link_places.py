"""Tells by headings, markup and words whether links are an editor's own or a page's furniture."""

from __future__ import annotations

import re
from functools import lru_cache

from index.sources.markup import Element, text_of

RELATED = "related"
APART = "apart"
TEXT = "text"
"""Kinds of links: what the page calls related; navigation and the like; links in the text."""

_RELATED_HEADINGS = r"""
      you\s(may|might)\s(also\s)?(like|enjoy|be\sinterested\sin) | see\salso
    | (related|recommended|suggested|similar)\s(articles?|posts?|stories|reading|content|links?
      |pages?|topics?|guides?|resources?|entries)
    | related | recommended(\sfor\syou)? | more\slike\sthis | (read|up)\snext | read\s(also|more)
    | (further|additional)\sreading | also\son\s.{1,40} | more\sfrom\s.{1,40} | related\sto\sthis
    | das\s(könnte|dürfte)\s(sie|dich|euch)\s(auch\s)?interessieren | mehr\szum\sthema
    | (ähnliche|verwandte|weitere|passende)\s(artikel|beiträge|themen|seiten|inhalte)
    | siehe\sauch | lesen\ssie\s(auch|mehr|weiter) | lies\sauch | weiterlesen | zum\sweiterlesen
    | weiterführende\s(links|literatur|informationen|artikel) | auch\sinteressant
    | (articles|contenus|pages|sujets)\s(similaires|liés|connexes|associés) | voir\saussi
    | (à\slire|lire)\s(aussi|également) | vous\saimerez\s(peut[-\s]être\s)?aussi
    | pour\saller\splus\sloin | sur\sle\smême\ssujet
    | (artículos|entradas|contenidos?|temas|páginas|enlaces)\s(relacionad[oa]s?|similares)
    | (también\s)?te\s(puede|podría)\sinteresar | véase\s(también|además) | ver\stambién
    | lee\stambién | más\ssobre\sel\stema
    | vedi\sanche | leggi\sanche | (articoli|contenuti|post)\s(correlati|simili|collegati)
    | potrebbe(ro)?\s(anche\s)?interessarti(\sanche)?
    | zie\sook | lees\sook | (gerelateerde|verwante)\s(artikelen|berichten|onderwerpen|pagina.s)
    | meer\s(lezen|over\sdit\sonderwerp)
    | ve(ja|r)\stambém | leia\s(também|mais) | (artigos|conteúdos?|temas)\srelacionad[oa]s?
    | zobacz\s(też|także|również) | (powiązane|podobne)\s(artykuły|wpisy|tematy|posty)
    | czytaj\s(też|także|również)
    | se\s(även|også|også:) | läs\s(även|också|mer) | les\sogså | læs\sogså
    | relaterade?\s(artiklar|inlägg|artikler|innlegg) | katso\smyös | lue\smyös
    | viz\s(též|také) | související\s(články|příspěvky) | lásd\smég | vezi\sși
    | ayrıca\sbak(ınız)? | ilgili\s(yazılar|makaleler|konular)
    | см\.?\s(также|ещё) | смотрите?\sтакже | читайте?\sтакже | (похожие|связанные)\s(статьи|записи)
    | по\sтеме | див\.?\sтакож | читайте\sтакож | δείτε\sεπίσης
    | 関連(記事|ページ|リンク|項目|情報|投稿) | 参照 | 参考(記事|リンク)? | あわせて読みたい
    | 相关(文章|阅读|内容|链接|主题|推荐) | 另请?(参[阅见考]|见) | 参[阅见] | 延伸阅读
    | 相關(文章|閱讀|內容|連結) | 延伸閱讀 | 另見 | 參見 | 관련\s?(글|기사|문서|게시물) | 같이\s보기
    | انظر\sأيضا?ً?ا? | مقالات\sذات\sصلة | ראו\sגם | به\sاین\sموارد\sنیز\sبنگرید | جستارهای\sوابسته
    | यह\sभी\s(देखें|पढ़ें) | xem\sthêm | bài\sviết\sliên\squan | lihat\sjuga | baca\sjuga"""  # noqa: RUF001 - words of many scripts

_APART_RELATIONS = frozenset(
    "nofollow sponsored ugc tag author me prev previous next up first last start home index "
    "category search license help edit privacy-policy terms-of-service".split()
)
_APART_CLASS = re.compile(
    r"(?!(tag|category|format|has|with|no|is|col)[-_])(.*[-_])?(nav(igation|bar|-links?)?|menu|pag(er|ination|inate)|prev(ious)?|next|older|newer"
    r"|breadcrumbs?|crumbs?|tags?|tag-?(list|cloud|links)|labels?|categor(y|ies)|cat-links|topics"
    r"|authors?|by-?line|meta|share|sharing|social|sharedaddy|sponsored|advert(isement)?|ads?"
    r"|promo|newsletter|footer|comments?|toc|table-of-contents|edit-?(link|page|this-page)"
    r"|header-?anchor|heading-?(link|anchor)|anchor(-?link)?|permalink|footnote-?(ref|backref)"
    r"|sidebar)([-_](list|links?|item|items|box|bar|block|container|wrapper|nav|post|posts))?"
)
_APART_WORDS = re.compile(
    r"""[\W_]*((
      (go\s)?(back|previous|prev|next|older|newer|earlier|later)
      (\s(page|post|article|entry|entries|posts|chapter|section|up))?
    | (vorherige[rs]?|nächste[rs]?|voriger|ältere|neuere)(\s(seite|artikel|beitrag|beiträge))?
    | zurück | weiter | précédente?s? | suivante?s? | (article|page|billet)\s(précédente?|suivante?)
    | anterior(es)? | siguientes? | (artículo|entrada|página)\s(anterior|siguiente)
    | precedente | successiv[oa] | vorige | volgende | próxim[oa] | poprzedni | następny
    | föregående | nästa | 前へ | 次へ | 前の記事 | 次の記事 | 上一[篇页頁] | 下一[篇页頁]
    )[\W_]*(?:$|[:«»←→|\n-].*) )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=32)
def related_headings(further: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Returns the pattern that matches headings of blocks of related links, in many languages.

    Args:
        further: Headings that a site uses besides the usual ones, as readers see them.
    """
    named = (r"\s+".join(map(re.escape, heading.split())) for heading in further if heading.strip())
    return re.compile(
        rf"\W*({'|'.join([_RELATED_HEADINGS, *named])})\W*", re.IGNORECASE | re.VERBOSE
    )


def is_apart(link: Element) -> bool:
    """Tells whether a link's own markup or words show that it is not an editor's reference.

    Such links lead to the previous or next page, to a tag or an author, or are marked as
    advertisements or as written by readers.
    """
    return (
        not _APART_RELATIONS.isdisjoint(link.get("rel", "").lower().split())
        or has_apart_class(link)
        or _APART_WORDS.fullmatch(text_of(link)[:200].strip()) is not None
    )


def has_apart_class(element: Element) -> bool:
    """Tells whether an element's classes name navigation, tags, authors, sharing or the like."""
    names = element.get("class", "").lower().split()
    return any(_APART_CLASS.fullmatch(name) for name in names[:20])
