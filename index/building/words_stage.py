"""A stage of a build: counts and weighs the articles' words, and finds their key phrases.

A small build knows the words, word pairs and phrases of the live build only; words that are new
count in an article's length, and match nothing until the next full build.
"""

import shutil

from index.build.build import Build
from index.build.carried_rows import CarriedRows
from index.build.lexicon import (
    PHRASE_WEIGHTS,
    VOCABULARY_FILES,
    Vocabulary,
    load_matrix,
)
from index.build.prepared_texts import PreparedTexts, StoredTexts
from index.building.context import BuildContext
from index.building.folder_arrays import FolderWorkspace
from index.building.worker_processes import in_processes
from index.files import load_array, save_array, save_names
from recommender.arrays import carry_matrix
from recommender.keyphrases import extract_phrases, find_known_phrases
from recommender.lexical import LexicalVectors, weigh_terms
from recommender.term_counts import CorpusTerms, count_corpus
from recommender.tokenizer import tokenize_corpus


def weigh_words(
    context: BuildContext, texts: PreparedTexts | StoredTexts, languages: list[str]
) -> tuple[LexicalVectors, CorpusTerms | None]:
    """Writes the vocabulary, the term weights and the key phrases of all articles.

    Args:
        context: The build in progress.
        texts: The prepared texts by row.
        languages: The languages of the articles, whose stop words no phrase contains.

    Returns:
        The term weights; and the term counts, ``None`` for a small build.
    """
    if context.carried is not None and context.previous is not None:
        return _weigh_fresh(context, context.previous, context.carried, texts), None
    folder, spread = context.folder, context.engine.spread
    workspace = FolderWorkspace(folder)
    corpus = tokenize_corpus(texts, workspace, in_processes(spread))
    terms = count_corpus(corpus, workspace, spread)
    phrases = extract_phrases(corpus, languages, workspace, spread)
    save_names(folder / "phrases.bin", phrases.names)
    save_array(folder / PHRASE_WEIGHTS, phrases.weights)
    spellings = (phrases.spellings.get(word, "") for word in terms.vocabulary)
    save_names(folder / "spellings.bin", spellings)
    workspace.drop("tokens")
    lexical = weigh_terms(terms, workspace=workspace, mapper=spread)
    # Large arrays were written into the folder while they were computed.
    save_names(folder / "words.bin", terms.vocabulary)
    save_array(folder / "pair_keys.npy", terms.pair_keys)
    save_array(folder / "lexical_idf.npy", lexical.idf)
    return lexical, terms


def _weigh_fresh(
    context: BuildContext, live: Build, carried: CarriedRows, texts: PreparedTexts | StoredTexts
) -> LexicalVectors:
    """Weighs the words of new and changed articles as the live build does."""
    folder, workspace = context.folder, FolderWorkspace(context.folder)
    for name in VOCABULARY_FILES:
        shutil.copyfile(live.checked(name), folder / name)
    vocabulary = Vocabulary(live.checked)
    weights = load_matrix(live.checked, "lexical", (live.count, len(vocabulary)))
    titles = load_matrix(live.checked, "titles", (live.count, vocabulary.words))
    fresh, fresh_titles, phrases = weights[:0], titles[:0], live.phrase_rows[:0]
    if len(carried.fresh):
        corpus = tokenize_corpus([texts[row] for row in carried.fresh.tolist()])
        fresh, fresh_titles = vocabulary.weigh(corpus), vocabulary.weigh_titles(corpus)
        phrase_weights = load_array(live.checked(PHRASE_WEIGHTS))
        names = live.phrase_names
        phrases = find_known_phrases(corpus, range(len(names)), names, phrase_weights)
    save_array(folder / "phrases_rows.npy", carried.array("phrases_rows.npy", phrases))
    return LexicalVectors(
        weights=carry_matrix(weights, carried.rows, fresh, workspace, "lexical"),
        titles=carry_matrix(titles, carried.rows, fresh_titles, workspace, "titles"),
        idf=load_array(folder / "lexical_idf.npy"),
    )
