"""Boilerplate: text that the pages of a site share, such as disclaimers, footers and headings.

Such passages tell nothing about an article, yet they would fill its embedding, its shared terms
and its excerpt. They are learned by counting in how many articles a sentence
occurs, numbers aside; the result is frozen into the build.

Three things are learned:

* **passages**: whole sentences or lines (``"talk with your doctor"``, ``"Online ahead of
  print."``, ``"PMID: 33607505"``);
* **labels**: the first words of sentences, where what follows starts anew with a capital
  (``ABSTRACT``, ``BACKGROUND:``, ``Key Takeaway``);
* **headings** of sections.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from recommender.article import Article

SAMPLE = 3_000
"""Articles to learn from; more would hardly change what one in two hundred of them shares."""

_MIN_ARTICLES = 4
_SHARE = 0.005

_LABEL_WORDS = 6
_LABEL_PURITY = 0.85
_SHORT_WORDS = 6
_PARTICLE = 3  # "of", "and", "für" may stand in a name
_EDGE_SENTENCES = 12

_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")  # noqa: RUF001 - CJK sentence marks
_NUMBERED = re.compile(r"(?<!\S)\S*?\d\S*")  # matches at a word's start only: linear time
_DIGIT = re.compile(r"\d")
_OUTER_MARKS = " \t\r.,;:!?…*_|·•–—-()[]{}<>\"'“”‘’«»"  # noqa: RUF001 - the marks are meant
_GLUED = re.compile(r"([A-Z][a-z]{3,14})(?=[A-Z][a-z]*\b)")


class Boilerplate:
    """Passages, labels and headings that many articles share.

    Args:
        passages: In how many of the sampled articles each occurs, by :func:`shape`.
        labels: The same, by the words as printed, with ``0`` for numbers.
        headings: The same, by :func:`shape`.
    """

    def __init__(
        self, *, passages: Mapping[str, int], labels: Mapping[str, int], headings: Mapping[str, int]
    ) -> None:
        self.passages = passages
        self.labels = labels
        self.headings = headings
        self._label_starts = {label.partition(" ")[0] for label in labels}

    def __len__(self) -> int:
        return len(self.passages) + len(self.labels) + len(self.headings)

    def clean(self, text: str) -> str:
        """``text`` without shared passages and labels; newlines become spaces."""
        if not self.passages and not self.labels:
            return " ".join(text.split())
        sentences = split_sentences(text)
        shared = [shape(sentence) in self.passages for sentence in sentences]
        if any(shared):
            _catch_short_neighbors(sentences, shared)
        kept = (
            self._unlabelled(sentence)
            for sentence, is_shared in zip(sentences, shared, strict=True)
            if not is_shared
        )
        return " ".join(sentence for sentence in kept if sentence)

    def is_shared_heading(self, heading: str) -> bool:
        """Whether a section's heading is shared by many articles."""
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


def _catch_short_neighbors(sentences: list[str], shared: list[bool]) -> None:
    """Mark names between the beginning or end of the text and a shared passage as shared too.

    A journal's name before a shared citation is in few articles by itself. A short sentence of
    the article's own (``It floats.``) stays: unlike a name, it has words in lower case.
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
    return len(words) <= _SHORT_WORDS and not any(
        len(word) > _PARTICLE and word[0].islower() for word in words
    )


def learn_boilerplate(articles: Iterable[Article], count: int) -> Boilerplate:
    """Find the passages, labels and headings that many articles share.

    A passage counts as shared when it is in one of two hundred articles, though in at least
    four: none of these pages is about what so many repeat word for word.

    Args:
        articles: All of them, or an even sample of about :data:`SAMPLE`.
        count: How many ``articles`` there are.
    """
    passages: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    headings: Counter[str] = Counter()
    for article in articles:
        own_passages: set[str] = set()
        own_starts: set[str] = set()
        own_labels: set[str] = set()
        headings.update({shape(section.heading) for section in article.sections})
        for section in article.sections:
            for sentence in split_sentences(section.text):
                own_passages.add(shape(sentence))
                _collect_labels(sentence, own_starts, own_labels)
        passages.update(own_passages)
        starts.update(own_starts)
        labels.update(own_labels)
    least = max(_MIN_ARTICLES, round(_SHARE * count))
    return Boilerplate(
        passages=_frequent(passages, least),
        labels={
            label: number
            for label, number in _frequent(labels, least).items()
            if number >= _LABEL_PURITY * starts[label] and any(map(str.isalpha, label))
        },
        headings=_frequent(headings, least),
    )


def split_sentences(text: str) -> list[str]:
    """The sentences and lines of a text, none empty; splits at abbreviations too, harmlessly."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def shape(sentence: str) -> str:
    """The key of a passage: the sentence without case, numbers and outer punctuation."""
    if _DIGIT.search(sentence):
        sentence = _NUMBERED.sub("0", sentence)
    return " ".join(sentence.casefold().split()).strip(_OUTER_MARKS)


def _frequent(counts: Counter[str], least: int) -> dict[str, int]:
    return {
        text: number
        for text, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if number >= least and text
    }


def _collect_labels(sentence: str, starts: set[str], labels: set[str]) -> None:
    """Add a sentence's first words to ``starts``, and to ``labels`` where a new start follows."""
    glued = _GLUED.match(sentence)
    if glued:
        starts.add(glued[1])
        labels.add(glued[1])
    words = sentence.split(None, _LABEL_WORDS + 1)
    for length, label in _prefixes(words):
        starts.add(label)
        if length < len(words) and _starts_anew(words[length]):
            labels.add(label)


def _prefixes(words: list[str]) -> list[tuple[int, str]]:
    """The first one to six words of a sentence, if they could be a label."""
    if not words or not (words[0][0].isupper() or words[0][0].isdigit()):
        return []
    plain = [_NUMBERED.sub("0", word) for word in words[:_LABEL_WORDS]]
    return [(length, " ".join(plain[:length])) for length in range(1, len(plain) + 1)]


def _starts_anew(word: str) -> bool:
    first = word.lstrip("\"'“\u2018")[:1]
    return first.isupper() or first.isdigit()
