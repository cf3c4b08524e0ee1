"""Boilerplate: text that the pages of a site share, such as disclaimers, footers and headings.

Such passages say nothing about an article, yet they would affect its embedding, its key phrases
and its excerpt. They are found by counting the articles in which a sentence occurs, where sentences
that differ only in numbers count as the same. The result is stored in the build.

Three things are learned:

* **passages**: whole sentences or lines (``"talk with your doctor"``, ``"Online ahead of
  print."``, ``"PMID: 33607505"``);
* **labels**: the first words of a sentence, if the word after them begins with a capital
  (``ABSTRACT``, ``BACKGROUND:``, ``Key Takeaway``);
* **headings** of sections.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from recommender.article import Article

SAMPLE = 3_000
"""Number of articles to learn from; more would hardly change the result."""

_MIN_ARTICLES = 4
_SHARE = 0.005

_LABEL_WORDS = 6
_LABEL_PURITY = 0.85
_SHORT_WORDS = 6
_PARTICLE = 3  # longest word in lower case that a name may contain: "of", "and", "für"
_EDGE_SENTENCES = 12

_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")  # noqa: RUF001 - CJK sentence marks
_NUMBERED = re.compile(r"(?<!\S)\S*?\d\S*")  # matches only at word starts: linear time
_DIGIT = re.compile(r"\d")
_OUTER_MARKS = " \t\r.,;:!?…*_|·•–—-()[]{}<>\"'“”‘’«»"  # noqa: RUF001 - these marks are intended
_GLUED = re.compile(r"([A-Z][a-z]{3,14})(?=[A-Z][a-z]*\b)")


class Boilerplate:
    """Passages, labels and headings that many articles share.

    Args:
        passages: For each passage, in the form that :func:`shape` returns, the number of sampled
            articles that contain it.
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
        return len(self.passages) + len(self.labels) + len(self.headings)

    def clean(self, text: str) -> str:
        """Return ``text`` without shared passages and labels; newlines become spaces."""
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


def _catch_short_neighbors(sentences: list[str], shared: list[bool]) -> None:
    """Mark names between a shared passage and the beginning or end of the text as shared, too.

    An example is the name of a journal at the beginning of a text, before a shared citation: too
    few articles have it for it to be shared by itself. A short sentence (``It floats.``) is not
    marked: unlike a name, it has longer words in lower case.

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
    return len(words) <= _SHORT_WORDS and not any(
        len(word) > _PARTICLE and word[0].islower() for word in words
    )


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
    """Split a text into its nonempty sentences and lines; it may also split at abbreviations."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def shape(sentence: str) -> str:
    """Return the form in which passages are compared.

    It is in lower case, has 0 for every number, and no punctuation at either end.
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


def _collect_labels(sentence: str, starts: set[str], labels: set[str]) -> None:
    """Add each possible label at the beginning of a sentence to ``starts``.

    If the word after it begins with a capital, it is added to ``labels``, too.
    """
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
