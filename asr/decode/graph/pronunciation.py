"""Words by pronunciation: the graph of a lexicon, whose lines say which tokens stand for each word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from asr.decode.graph.storage import SUFFIX, load_word_graph
from asr.decode.graph.trie import trie_of
from asr.decode.graph.word_graph import ROOT, Ends, Steps, WordGraph, assemble
from asr.text.lexicon import Lexicon, lexicon_from, read_lexicon
from asr.text.units import Units


def load_lexicon_graph(path: Path, units: Units) -> WordGraph:
    """Reads the graph of a lexicon: a stored one where the name ends in .graph, else a text file.

    Raises:
        LexiconError: If the file is missing or damaged, or does not go with these tokens.
    """
    if path.suffix == SUFFIX:
        return load_word_graph(path, units)
    return graph_of_lexicon(read_lexicon(path, units), units)


def graph_of_lexicon(lexicon: Lexicon, units: Units) -> WordGraph:
    """The graph of a lexicon: a trie over tokens.

    Args:
        lexicon: Pronunciations in these units.
        units: Tokens.
    """
    trie = trie_of(lexicon.tokens, lexicon.lengths)
    marks = [token for token, text in enumerate(units.texts) if units.mark and text == units.mark]
    bare = np.flatnonzero((trie.parents == ROOT) & np.isin(trie.symbols, marks))
    return assemble(
        lexicon.words,
        trie.parents,
        Steps(trie.parents[1:], trie.symbols[1:], np.arange(1, len(trie.parents))),
        Ends(trie.ends, lexicon.word_ids, lexicon.log_probs),
        bare=int(bare[0]) if len(bare) else -1,
        left_out=lexicon.left_out,
    )


def whole_words(words: Iterable[str], units: Units) -> Lexicon:
    """The lexicon of tokens that are whole words; words that are no tokens are left out and counted."""
    ids = {text: index for index, text in enumerate(units.texts) if text}
    distinct = dict.fromkeys(words)
    entries = [(word, (ids[word],), 0.0) for word in distinct if word in ids]
    return lexicon_from(entries, left_out=len(distinct) - len(entries))
