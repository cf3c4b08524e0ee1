"""Links in a text: the words of an article's text that would fit as a link to another article.

A target is known by the words of its title, by the words with which other pages of the site link to
it, and by its key phrases. Of every target the place is sought where most of these words stand
together, weighted by their rarity: words between them cost a little, the rest of the sentence and
an early mention count a little too. How much stands there and how related the target is make the
score.

Words that must not become a link are closed: quotations, code, addresses, links that are there. The
words of a link never reach over a comma or bracket, unless a whole title or name does.
"""

import enum
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recommender.article import Section
from recommender.text import MARKS, UNSPACED_SCRIPTS
from recommender.tokenizer import UNSPACED

MAX_WORDS = 10
"""Most words of a link, but for whole titles and names."""

PER_HUNDRED = 1.0
"""Most links for a hundred words of a text, besides those that it has."""

LEAST_SCORE = 0.12
"""Suggestions that score less are not made."""

_NAME, _PHRASE = 0.8, 0.3
_PHRASES = 20
_EXACT = 5.0
_LEAST_EXACT = 2.0
_NAME_WORDS = 3
_TITLED, _TITLE_WEIGHT = 0.3, 8.0  # who names a title of some words means the article
_BETWEEN, _COMMON = 0.2, 0.1
_SENTENCE = 0.2
_LATER = 1.5
_FULL = 10.0

_LETTERS = rf"[^\W{UNSPACED_SCRIPTS}]"
_PART = rf"{_LETTERS}++(?:[{MARKS}]++(?:[\u200c\u200d](?=\w))?{_LETTERS}*+)*+"
_WORD = re.compile(
    rf"[{UNSPACED_SCRIPTS}]+"
    rf"|{_PART}(?:[-’'‐‑]{_PART})*"  # noqa: RUF001
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’»)\]]*\s+|(?<=[。！？])|\n+")  # noqa: RUF001
_CLAUSE_END = re.compile(r"[^\s\w&/'’‐‑.#+-]|\.\s")  # noqa: RUF001
_CLOSED = re.compile(
    # Quotations, to the end of the paragraph if they go on in the next one; and code.
    r"[“”„][^“”„\n]*(?:[“”]|$)|[«»][^«»\n]*(?:[«»]|$)|[「『][^」』\n]*(?:[」』]|$)"
    r"|[‘‚‹](?=\w)[^‘‚‹\n]{0,2000}?[‘’›](?!\w)"  # noqa: RUF001
    r"|\"[^\"\n]*\"|```.*?(?:```|\Z)|`[^`\n]*`"
    # Lines and links of Markdown.
    r"|^(?:>|\#{1,6}\s|\ {4}|\t)[^\n]*|^[^\n]+\n[=-]{2,}[ \t]*$"
    r"|!?\[[^\]\n]{0,500}\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,500}\])"
    r"|(?:https?://|www\.)\S+|[^\s@]{1,64}@[^\s@]+",
    re.DOTALL | re.MULTILINE,
)
_GENITIVE = re.compile(r"['’]s$")  # noqa: RUF001


class LinkBasis(enum.StrEnum):
    """Why the words of a suggested link stand for the article to which it leads."""

    NAME = "name"
    """Other pages of the site link to it with these words."""
    TITLE = "title"
    """Words of its title."""
    PHRASE = "phrase"
    """Phrases that say what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """An article that a text may link to.

    Attributes:
        row: The article's row.
        score: How related the article is to the text, in [0, 1].
        title: The article's title.
        names: The words of links to the article on other pages, those of each link.
        phrases: The article's key phrases, best first.
        refused: Words that should not link to the article.
    """

    row: int
    score: float
    title: str
    names: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLink:
    """A place in a text where a link to a target would fit.

    Attributes:
        row: The row of the article to link to (the target).
        score: How well the link fits, in [0, 1].
        section: The position of the place's section among the text's sections.
        sentence: Where the place's sentence begins and ends in the section's text, in characters.
        words: Where the words to link begin and end in the section's text, in characters.
        basis: Why these words stand for the target.
    """

    row: int
    score: float
    section: int
    sentence: tuple[int, int]
    words: tuple[int, int]
    basis: LinkBasis


class Word(NamedTuple):
    """A word of a text: where it begins and ends in its section, its stem and its weight (idf).

    ``is_open`` says that the word may become part of a link, ``after_break`` that a comma, bracket
    or the like stands before it, ``is_name`` that it begins with a capital letter.
    """

    start: int
    end: int
    stem: str
    weight: float
    is_open: bool
    after_break: bool
    is_name: bool


class Sentence(NamedTuple):
    """A sentence: the position of its section, where it begins and ends in it, and its words."""

    section: int
    start: int
    end: int
    words: list[Word]


class Place(NamedTuple):
    """A place for a link: words ``first`` to ``last`` of a sentence, and how well they fit.

    ``is_title`` says that a whole title stands there.
    """

    fit: float
    sentence: int
    first: int
    last: int
    basis: LinkBasis
    is_title: bool = False


_Wholes = defaultdict[str, list[tuple[tuple[str, ...], LinkBasis]]]
"""Titles and names as stems, each with what it is, by their first stem."""


class LinkText:
    """A text in which places for links to other articles are sought.

    Args:
        sections: The text's sections; headings are never linked.
        closed: For each section, passages that must not be linked, such as the words of its links.
        weigh: Returns the idf of a word, 0 for a word that says nothing.

    Attributes:
        sentences: The sentences of all sections, in order.
        word_count: The number of words in all sentences.
    """

    def __init__(
        self,
        sections: Sequence[Section],
        closed: Sequence[Iterable[str]],
        weigh: Callable[[str], float],
    ) -> None:
        self._weigh = weigh
        self._weights: dict[str, float] = {}
        self.sentences: list[Sentence] = []
        for number, (section, passages) in enumerate(zip(sections, closed, strict=True)):
            self._read(number, section.text, passages)
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, sentence in enumerate(self.sentences):
            for stem in {word.stem for word in sentence.words if word.is_open}:
                self._holding[stem].append(number)
        self.word_count = sum(len(sentence.words) for sentence in self.sentences)

    def find_links(
        self,
        targets: Iterable[LinkTarget],
        *,
        most: int | None = None,
        least: float = LEAST_SCORE,
        used: Iterable[str] = (),
    ) -> list[TextLink]:
        """Find the best places for links, at most one for each target, best first.

        No two links overlap in the text or have the same words.

        Args:
            targets: The articles that may be linked to.
            most: Most links to return; by default :data:`PER_HUNDRED` for every hundred words of
                the text, but at least one.
            least: The least score of a link.
            used: Words that may not become a link here, for example since they link elsewhere.
        """
        if most is None:
            most = max(1, int(self.word_count / 100 * PER_HUNDRED))
        found = []
        for target in targets:
            places = self._places(target)
            for fit, place in places:
                score = max(target.score, _TITLED) if place.is_title else target.score
                found.append((score * fit, target.row, place))
        return self.choose((each for each in found if each[0] >= least), most, used)

    def choose(
        self, found: Iterable[tuple[float, int, Place]], most: int, used: Iterable[str] = ()
    ) -> list[TextLink]:
        """Choose the links to suggest from places, each given as (score, target's row, place).

        The other arguments, and the rules of choice, are those of :meth:`find_links`.
        """
        links: list[TextLink] = []
        taken: set[tuple[int, int]] = set()
        spoken, linked = {_stems(words) for words in used}, set[int]()
        for score, row, place in sorted(found, key=lambda each: (-each[0], *each[1:])):
            sentence = self.sentences[place.sentence]
            words = sentence.words[place.first : place.last + 1]
            stems = self._stems_at(place)
            held = {(place.sentence, at) for at in range(place.first, place.last + 1)}
            if len(links) == most:
                break
            if row in linked or stems in spoken or held & taken:
                continue
            linked.add(row)
            spoken.add(stems)
            taken |= held
            links.append(
                TextLink(
                    row=row,
                    score=score,
                    section=sentence.section,
                    sentence=(sentence.start, sentence.end),
                    words=(words[0].start, words[-1].end),
                    basis=place.basis,
                )
            )
        return links

    def _read(self, section: int, text: str, passages: Iterable[str]) -> None:
        closed = bytearray(len(text))
        spans = [found.span() for found in _CLOSED.finditer(text)]
        for first, last in [*spans, *_find_all(text.replace("\n", " "), passages)]:
            closed[first:last] = b"\1" * (last - first)
        start = 0
        for end in [*_SENTENCE_END.finditer(text), None]:
            stop = len(text) if end is None else end.start()
            words: list[Word] = []
            for first, last, stem, word in _split(text, start, stop):
                if word not in self._weights:
                    self._weights[word] = self._weigh(word)
                before = text[words[-1].end : first] if words else ""
                is_open = closed.find(1, first, last) < 0
                breaks = _CLAUSE_END.search(before) is not None
                name = text[first].isupper()
                words.append(Word(first, last, stem, self._weights[word], is_open, breaks, name))
            if words:
                self.sentences.append(Sentence(section, start, stop, words))
            start = stop if end is None else end.end()

    def _places(self, target: LinkTarget) -> list[tuple[float, Place]]:
        """Return places for a target, each with how well it fits, in [0, 1].

        A later one must fit better by a factor, since texts link what they mention first.
        """
        worth, wholes = self._worth(target)
        title, refused = {*_stems(target.title)}, {_stems(words) for words in target.refused}
        masses: defaultdict[int, float] = defaultdict(float)
        for stem, value in worth.items():
            for number in self._holding.get(stem, ()):
                masses[number] += value
        places: list[tuple[float, Place]] = []
        best = 0.0
        for number in sorted(masses):
            both = self._best_in(number, worth, title), self._whole_in(number, wholes)
            found = [place for place in both if place and self._stems_at(place) not in refused]
            if not found:
                continue
            place = max(found, key=lambda each: each.fit)
            fit = place.fit + _SENTENCE * masses[number]
            if fit > _LATER * best:
                best = fit
            else:
                fit /= _LATER
            places.append((fit / (fit + _FULL), place))
        return places

    def _stems_at(self, place: Place) -> tuple[str, ...]:
        words = self.sentences[place.sentence].words[place.first : place.last + 1]
        return tuple(word.stem for word in words)

    def _worth(self, target: LinkTarget) -> tuple[dict[str, float], _Wholes]:
        """Return what each word is worth for a target; and its title and names as stems."""
        # One page may link to anything with a word or two, such as "blog posts".
        times, titled = Counter(map(_stems, target.names)), {*_stems(target.title)}
        names = {
            stems: name
            for name in target.names
            if times[stems := _stems(name)] > 1
            or len(stems) >= _NAME_WORDS
            or titled.intersection(stems)
        }
        worth: dict[str, float] = {}
        sources = [(target.title, 1.0), *((name, _NAME) for name in names.values())]
        for rank, phrase in enumerate(target.phrases[:_PHRASES]):
            sources.append((phrase, _PHRASE * (1 - rank / (2 * _PHRASES))))
        for text, factor in sources:
            for stem, word in _words_of(text):
                if word not in self._weights:
                    self._weights[word] = self._weigh(word)
                if value := factor * self._weights[word]:
                    worth[stem] = max(value, worth.get(stem, 0.0))
        named = dict.fromkeys(names, LinkBasis.NAME)
        named[_stems(target.title)] = LinkBasis.TITLE
        wholes: _Wholes = defaultdict(list)
        for stems, basis in named.items():
            wholes["".join(stems[:1])].append((stems, basis))
        return worth, wholes

    def _best_in(self, number: int, worth: dict[str, float], title: set[str]) -> Place | None:
        """Return the words of a sentence that are worth most (as in Kadane's algorithm)."""
        words = self.sentences[number].words
        best: Place | None = None
        total, first, seen = 0.0, 0, set[str]()
        for at, word in enumerate(words):
            if not word.is_open or word.after_break or at - first >= MAX_WORDS:
                total, seen = 0.0, set()
            value = worth.get(word.stem, 0.0) if word.is_open else 0.0
            if value and word.stem not in seen:
                if total <= 0:
                    total, first, seen = 0.0, at, set()
                total += value
                seen.add(word.stem)
                if best is None or total > best.fit:
                    best = Place(total, number, first, at, LinkBasis.PHRASE)
            else:
                total -= max(_COMMON, _BETWEEN * word.weight)
        if best is None:
            return None
        held = {word.stem for word in words[best.first : best.last + 1]} & worth.keys()
        basis = LinkBasis.TITLE if 2 * len(held & title) >= len(held) else LinkBasis.PHRASE
        return _widen(best._replace(basis=basis), words)

    def _whole_in(self, number: int, wholes: _Wholes) -> Place | None:
        """Return where a title or name stands whole in a sentence."""
        words = self.sentences[number].words
        best: Place | None = None
        for at, word in enumerate(words):
            for stems, basis in wholes.get(word.stem, ()):
                whole = words[at : at + len(stems)]
                if tuple(each.stem for each in whole) == stems:
                    weight = sum(each.weight for each in whole)
                    likely = weight >= _LEAST_EXACT and all(each.is_open for each in whole)
                    if likely and (best is None or _EXACT * weight > best.fit):
                        titled = basis is LinkBasis.TITLE and weight >= _TITLE_WEIGHT
                        last = at + len(stems) - 1
                        best = Place(_EXACT * weight, number, at, last, basis, titled)
        return best


def _find_all(text: str, passages: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where passages stand in a text that has spaces for line breaks."""
    for passage in dict.fromkeys(" ".join(each.split()) for each in passages):
        at = text.find(passage) if passage else -1
        while at >= 0:
            yield at, at + len(passage)
            at = text.find(passage, at + len(passage))


def _widen(place: Place, words: Sequence[Word]) -> Place:
    """Return a place with the rest of a name that it begins or ends within."""

    def joined(at: int) -> bool:
        """Tell whether a word and the next one belong to one name."""
        one, other = words[at], words[at + 1]
        named = one.is_name and other.is_name and one.is_open and other.is_open
        return named and not other.after_break

    first, last = place.first, place.last
    while last - first + 1 < MAX_WORDS and last + 1 < len(words) and joined(last):
        last += 1
    # The capital with which a sentence begins is no sign of a name: "The", or a label.
    while last - first + 1 < MAX_WORDS and first > 1 and joined(first - 1):
        first -= 1
    return place._replace(first=first, last=last)


def _split(text: str, start: int, stop: int) -> Iterator[tuple[int, int, str, str]]:
    """Yield the words of a text: where each begins and ends, its stem and itself, in lower case.

    In scripts without spaces, a word is a pair of characters, as in the tokenizer.
    """
    for found in _WORD.finditer(text, start, stop):
        word = found[0].casefold()
        if UNSPACED.match(word):
            for at in range(len(word) - 1):
                pair = word[at : at + 2]
                yield found.start() + at, found.start() + at + 2, pair, pair
        else:
            if not word.isalnum():
                word = _GENITIVE.sub("", word)
            yield found.start(), found.end(), _stem(word), word


@functools.lru_cache(maxsize=100_000)
def _words_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return the stems of a title, name or phrase, with the words."""
    return tuple((stem, word) for _, _, stem, word in _split(text, 0, len(text)))


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem for stem, _ in _words_of(text))


def _stem(word: str) -> str:
    """Return a word without hyphens and the ending of its plural."""
    stem = word if word.isalnum() else re.sub(r"[-’'‐‑]", "", word)  # noqa: RUF001
    if len(stem) > 4 and stem.endswith("ies"):
        return f"{stem[:-3]}y"
    return stem[:-1] if len(stem) > 3 and stem.endswith("s") and stem[-2] != "s" else stem
