"""Boilerplate: text that the pages of a site share, such as disclaimers, footers and headings.

Such passages say nothing about an article, yet they would affect its embedding, its key phrases
and its excerpt. They are found by counting the articles in which a sentence occurs, where sentences
that differ only in numbers count as the same. The result is stored in the build.

Three things are learned:

* **passages**: whole sentences or lines (``"talk with your doctor"``, ``"Online ahead of
  print."``, ``"PMID: 33607505"``);
* **labels**: the first words of a sentence, if a sentence of its own begins after them
  (``ABSTRACT``, ``BACKGROUND:``, ``Key Takeaway``);
* **headings** of sections.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise

from recommender.article import Article

SAMPLE = 3_000
"""Number of articles to learn from; more would hardly change the result."""

_MIN_ARTICLES = 4
_SHARE = 0.005

_LABEL_WORDS = 6
_LABEL_PURITY = 0.85
_BEGINNINGS = 0.5  # least share of a label's followers that begin a sentence
_COMMON_FOLLOWERS = 0.1  # least share of a label's followers that are very common words
_COMMON = 1 / 500  # least share of all words
_SHORT_WORD = 5  # longest word that counts as one of grammar: "these", "wenn"
_ONE_FOLLOWER = 0.5  # share from which one follower and the label are a name: "Let's Encrypt"
_SHORT_WORDS = 6
_PARTICLE = 3  # longest word in lower case that a name may contain: "of", "and", "für"
_EDGE_SENTENCES = 12

_SENTENCE_END = re.compile(  # not after initials: "the U.S. Congress", "e.g. tea"
    r"[.!?。！？](?<!\b[^\W\d_]\.[^\W\d_]\.)[\"'”’)\]]*(?=\s)"  # noqa: RUF001 - CJK marks
)
_NUMBERED = re.compile(r"(?<!\S)\S*?\d\S*")  # matches only at word starts: linear time
_DIGIT = re.compile(r"\d")
_OUTER_MARKS = " \t\r.,;:!?…*_|·•–—-()[]{}<>\"'“”‘’«»"  # noqa: RUF001 - these marks are intended
_ABBREVIATION = re.compile(r"(?:\S{1,5}\s)?(?:[^\W\d]{1,4}|\d{1,2})\.")
_GLUED = re.compile(r"([A-Z][a-z]{3,14})(?=[A-Z][a-z]*\b)")


class Boilerplate:
    """Text that many articles of a site share: passages, labels before sentences, and headings.

    Args:
        passages: For each passage (sentence or line), in the form that :func:`shape` returns, the
            number of sampled articles that contain it.
        labels: For each label, as printed but with ``0`` for numbers, the number of sampled
            articles that contain it.
        headings: For each heading, in the form that :func:`shape` returns, the number of sampled
            articles that contain it.
    """

    def __init__(
        self, *, passages: Mapping[str, int], labels: Mapping[str, int], headings: Mapping[str, int]
    ) -> None:
        self.passages = passages
        self.labels = labels
        self.headings = headings
        self._label_starts = {label.partition(" ")[0] for label in labels}

    def __len__(self) -> int:
        return sum(map(len, self.by_kind().values()))

    def by_kind(self) -> dict[str, Mapping[str, int]]:
        """Return ``passages``, ``labels`` and ``headings``, each under its own name."""
        return {"passages": self.passages, "labels": self.labels, "headings": self.headings}

    def clean(self, text: str) -> str:
        """Return ``text`` without shared passages and labels; newlines become spaces."""
        if not self.passages and not self.labels:
            return " ".join(text.split())
        sentences = split_sentences(text)
        shared = [shape(sentence) in self.passages for sentence in sentences]
        if any(shared):
            _keep_abbreviations(sentences, shared)
            _catch_short_neighbors(sentences, shared)
        kept = (
            self._unlabelled(sentence)
            for sentence, is_shared in zip(sentences, shared, strict=True)
            if not is_shared
        )
        return " ".join(sentence for sentence in kept if sentence)

    def is_shared_heading(self, heading: str) -> bool:
        """Return whether many articles share a section's heading."""
        return shape(heading) in self.headings

    def _unlabelled(self, sentence: str) -> str:
        for _ in range(3):
            glued = _GLUED.match(sentence)
            if glued and glued[1] in self.labels:
                sentence = sentence[glued.end() :]
            first, _, _ = sentence.partition(" ")
            if (_NUMBERED.sub("0", first)) not in self._label_starts:
                break
            words = sentence.split()
            best = 0
            for length, label in _prefixes(words):
                if label in self.labels and (length == len(words) or _starts_anew(words[length])):
                    best = length
            if not best:
                break
            sentence = " ".join(words[best:])
        return " ".join(sentence.split())


def _keep_abbreviations(sentences: list[str], shared: list[bool]) -> None:
    """Mark as not shared what may end in an abbreviation or ordinal: ``z. B.``, ``Am 3.``.

    Args:
        sentences: The sentences of a text.
        shared: Whether each sentence is shared; changed in place.
    """
    for index in range(len(sentences) - 1):
        if not shared[index + 1] and _ABBREVIATION.fullmatch(sentences[index]):
            shared[index] = False


def _catch_short_neighbors(sentences: list[str], shared: list[bool]) -> None:
    """Mark names between a shared passage and the beginning or end of the text as shared, too.

    An example is the name of a journal at the beginning of a text, before a shared citation: too
    few articles have it for it to be shared by itself. A short sentence (``It floats.``) is not
    marked: unlike a name, it has longer words in lower case. Where letters have no case, as in
    Arabic and Japanese, the two can't be told apart, and nothing is marked.

    Args:
        sentences: The sentences of a text.
        shared: Whether each sentence is shared; changed in place.
    """
    for order in (range(len(sentences)), range(len(sentences) - 1, -1, -1)):
        waiting: list[int] = []
        for index in order[:_EDGE_SENTENCES]:
            if shared[index]:
                for caught in waiting:
                    shared[caught] = True
                waiting.clear()
            elif _looks_like_a_name(sentences[index]):
                waiting.append(index)
            else:
                break


def _looks_like_a_name(sentence: str) -> bool:
    words = sentence.split(None, _SHORT_WORDS)
    if len(words) > _SHORT_WORDS or any(map(_has_no_case, sentence)):
        return False
    return not any(len(word) > _PARTICLE and word[0].islower() for word in words)


def _has_no_case(character: str) -> bool:
    return character.isalpha() and not character.islower() and not character.isupper()


def learn_boilerplate(articles: Iterable[Article], count: int) -> Boilerplate:
    """Find the passages, labels and headings that many articles share.

    A passage counts as shared if at least one in two hundred articles contains it, and at least
    four articles do: what so many pages repeat word for word is not what any of them is about.

    Args:
        articles: All articles, or an even sample of about :data:`SAMPLE`.
        count: The number of ``articles``.
    """
    passages: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    headings: Counter[str] = Counter()
    articles = list(articles)
    for article in articles:
        headings.update({shape(section.heading) for section in article.sections})
        sentences = list(_sentences(article))
        found = {pair for sentence in sentences for pair in _possible_labels(sentence)}
        passages.update({shape(sentence) for sentence in sentences})
        starts.update({label for label, _ in found})
        labels.update({label for label, follower in found if _starts_anew(follower)})
    least = max(_MIN_ARTICLES, round(_SHARE * count))
    frequent = {
        label: number
        for label, number in _frequent(labels, least).items()
        if number >= _LABEL_PURITY * starts[label] and any(map(str.isalpha, label))
    }
    real = _outside_sentences(set(frequent), articles)
    return Boilerplate(
        passages=_frequent(passages, least),
        labels={label: number for label, number in frequent.items() if label in real},
        headings=_frequent(headings, least),
    )


def _outside_sentences(labels: set[str], articles: list[Article]) -> set[str]:
    """Return those of ``labels`` that can't be a part of the sentence that they precede.

    A capital may also stand after them because a name or, in German, any noun follows. So the words
    that follow a label must be such that begin sentences: elsewhere in a sentence, the site writes
    them in lower case; or be labels, too. Without a colon, some must be very common ("the", "we"),
    and many different ones must follow, or label and follower are a name together.
    """
    followers: dict[str, Counter[str]] = {label: Counter() for label in labels}
    lower: Counter[str] = Counter()
    words = 0
    for sentence in chain.from_iterable(map(_sentences, articles)):
        for label, follower in _possible_labels(sentence):
            if label in labels and follower:
                word = follower.lstrip(_OUTER_MARKS).partition(":")[0]
                followers[label][word.rstrip(_OUTER_MARKS).casefold()] += 1
        written = sentence.split()
        words += len(written)
        for previous, word in pairwise(written):
            if not previous.endswith(":"):
                word = word.strip(_OUTER_MARKS)
                lower[word.casefold()] += 1 if word[:1].islower() else -1
    common = {w for w, n in lower.items() if n >= _COMMON * words and len(w) <= _SHORT_WORD}

    def is_real(label: str) -> bool:
        found = followers[label]
        least = _COMMON_FOLLOWERS * found.total()
        begun = sum(n for w, n in found.items() if lower.get(w, -1) >= 0 or w in further)
        begun += sum(n for word, n in found.items() if word[:1].isdigit())
        if not found or label.endswith(":"):
            return begun >= _BEGINNINGS * max(found.total(), 1)
        others = Counter({word: n for word, n in found.items() if word not in further})
        numbers = sum(n for word, n in others.items() if word[:1].isdigit())
        return (
            begun >= _BEGINNINGS * found.total()
            and sum(others[word] for word in common) >= max(1, least)
            and max(others.values()) <= _ONE_FOLLOWER * others.total()
            and numbers < _BEGINNINGS * others.total()
        )

    further: set[str] = set()
    before = {label for label in labels if label.endswith(":") and is_real(label)}
    further |= {word.strip(_OUTER_MARKS).casefold() for one in before for word in one.split()}
    others = {label for label in labels if not label.endswith((":", ",", ";"))}
    return before | {label for label in others if is_real(label)}


def _sentences(article: Article) -> Iterator[str]:
    for section in article.sections:
        yield from split_sentences(section.text)


def split_sentences(text: str) -> list[str]:
    """Split a text into its nonempty sentences and lines; it may also split at abbreviations."""
    parts = []
    for line in text.split("\n"):
        start = 0
        for end in map(re.Match.end, _SENTENCE_END.finditer(line)):
            parts.append(line[start:end].strip())
            start = end
        parts.append(line[start:].strip())
    return [part for part in parts if part]


def shape(sentence: str) -> str:
    """Return a sentence in the form in which passages are compared.

    It is in lower case, with 0 for every number and without punctuation at either end.
    """
    if _DIGIT.search(sentence):
        sentence = _NUMBERED.sub("0", sentence)
    return " ".join(sentence.casefold().split()).strip(_OUTER_MARKS)


def _frequent(counts: Counter[str], least: int) -> dict[str, int]:
    return {
        text: number
        for text, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if number >= least and text
    }


def _possible_labels(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield each possible label at the beginning of a sentence, with the word that follows it."""
    glued = _GLUED.match(sentence)
    if glued:
        yield glued[1], sentence[glued.end() :].split(None, 1)[0]
    words = sentence.split(None, _LABEL_WORDS + 1)
    for length, label in _prefixes(words):
        yield label, words[length] if length < len(words) else ""


def _prefixes(words: list[str]) -> list[tuple[int, str]]:
    """Return each beginning of a sentence, one to six words long, that could be a label.

    Each comes with the number of its words.
    """
    if not words or not (words[0][0].isupper() or words[0][0].isdigit()):
        return []
    plain = [_NUMBERED.sub("0", word) for word in words[:_LABEL_WORDS]]
    return [(length, " ".join(plain[:length])) for length in range(1, len(plain) + 1)]


def _starts_anew(word: str) -> bool:
    first = word.lstrip("\"'“\u2018")[:1]
    return first.isupper() or first.isdigit()
