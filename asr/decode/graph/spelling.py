"""Words spelled by the texts of tokens: the graph of a list of words, with every segmentation of each.

A word may be cut into subwords in many ways, and a model may use them all. The nodes are those of a
trie over the characters of words, and a token is an arc that goes down as many levels as it has
characters; so all ways of cutting the same text meet. The arcs are found by walking from every node
back towards the root, with a trie of the tokens' reversed texts in hand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from asr.decode.graph.pronunciation import graph_of_lexicon, whole_words
from asr.decode.graph.trie import Trie, levels, trie_of_texts
from asr.decode.graph.word_graph import ROOT, Ends, Steps, WordGraph, assemble
from asr.lm.construction import UNKNOWN_NAMES
from asr.lm.hashing import find, insert, new_table
from asr.lm.ngrams import BEGIN, END, key
from asr.text.units import Units

Mask = NDArray[np.bool_]


def graph_of_words(words: Iterable[str], units: Units) -> WordGraph:
    """The graph of words that tokens spell by their texts.

    Args:
        words: In any order, such as those of a language model: what stands there for sentence ends and
            unknown words is passed over, and a word that stands twice counts once.
        units: Tokens. Where they are whole words, each word is its own token.

    Returns:
        The graph. Words that cannot be spelled are left out and counted.
    """
    special = {BEGIN, END, *UNKNOWN_NAMES}
    distinct = [word for word in dict.fromkeys(words) if word not in special]
    if not units.spells:
        return graph_of_lexicon(whole_words(distinct, units), units)
    between = units.texts[units.separator] if units.separator >= 0 else units.mark
    texts = list(units.texts)
    if units.separator >= 0:
        texts[units.separator] = ""
    # what cannot be spelled is given an empty text
    spelled = [units.mark + word if word and not (between and between in word) else "" for word in distinct]
    return graph_of_texts(distinct, spelled, texts, units.mark)


def graph_of_texts(
    words: Sequence[str], spelled: Sequence[str], tokens: Sequence[str], mark: str
) -> WordGraph:
    """The graph of words that are written in a certain way.

    Args:
        words: Distinct words (W,).
        spelled: What tokens have to write for each (W,); "" for words that cannot be spelled.
        tokens: What each token writes; "" for those that are not used.
        mark: What words begin with in `spelled`; "" for nothing.
    """
    trie = trie_of_texts([unicodedata.normalize("NFC", text) for text in spelled])
    steps = _steps(trie, tokens)
    reached, useful, ends = _on_the_way(trie, steps)
    steps = Steps(*(part[reached[steps.sources] & useful[steps.targets]] for part in steps))
    kept = _ancestors(trie.parents, ends)
    number = (np.cumsum(kept) - 1).astype(np.int32)
    number = np.append(number, np.int32(-1))  # the root's parent stays -1
    steps = Steps(number[steps.sources], steps.tokens, number[steps.targets])
    whole = reached[trie.ends] & (trie.ends != ROOT)
    known = tuple(compress(words, whole.tolist()))
    bare = [index for index, text in enumerate(tokens) if mark and text == mark]
    after_mark = steps.targets[(steps.sources == ROOT) & np.isin(steps.tokens, bare)]
    return assemble(
        known,
        number[trie.parents[kept]],
        steps,
        Ends(number[ends], np.arange(len(ends)), np.zeros(len(ends))),
        bare=int(after_mark[0]) if len(after_mark) else -1,
        left_out=len(words) - len(known),
    )


def _steps(trie: Trie, tokens: Sequence[str]) -> Steps:
    """All arcs: tokens whose text leads from one node of the trie down to another."""
    writing = np.array([index for index, text in enumerate(tokens) if text], np.int32)
    backwards = trie_of_texts([tokens[index][::-1] for index in writing])
    keys = key(backwards.parents[1:], backwards.symbols[1:])
    table = new_table(len(keys))
    places = insert(table, keys)
    following = np.zeros(len(table), np.int32)
    following[places] = np.arange(1, len(keys) + 1)
    writing = writing[np.argsort(backwards.ends, kind="stable")]
    counts = np.bincount(backwards.ends, minlength=len(keys) + 1)
    firsts = np.cumsum(counts) - counts
    targets = np.arange(1, len(trie.parents))
    at: NDArray[np.integer] = targets  # from each target back to where its arcs begin
    state = np.zeros(len(at), np.int32)
    found = [Steps(at[:0], at[:0], at[:0])]
    while len(at):
        places = find(table, key(state, trie.symbols[at]))
        going = places >= 0
        targets, at, state = targets[going], trie.parents[at[going]], following[places[going]]
        several = counts[state]  # tokens whose text is what was walked over
        numbers = np.arange(several.sum()) - np.repeat(np.cumsum(several) - several, several)
        chosen = writing[np.repeat(firsts[state], several) + numbers]
        found.append(Steps(np.repeat(at, several), chosen, np.repeat(targets, several)))
        below = at != ROOT
        targets, at, state = targets[below], at[below], state[below]
    return Steps(*map(np.concatenate, zip(*found, strict=True)))


def _on_the_way(trie: Trie, steps: Steps) -> tuple[Mask, Mask, NDArray[np.int32]]:
    """Nodes that tokens reach (G,), those from which they reach the end of a word (G,), and these ends."""
    order = np.argsort(steps.targets, kind="stable")
    sources, targets = steps.sources[order], steps.targets[order]
    bounds = [np.searchsorted(targets, level) for level in levels(trie.parents)]
    reached = np.zeros(len(trie.parents), bool)
    reached[ROOT] = True
    for first, last in bounds:
        reached[targets[first:last][reached[sources[first:last]]]] = True
    ends = trie.ends[reached[trie.ends] & (trie.ends != ROOT)]
    useful = np.zeros(len(trie.parents), bool)
    useful[ends] = True
    for first, last in reversed(bounds):
        useful[sources[first:last][useful[targets[first:last]]]] = True
    return reached, useful, ends


def _ancestors(parents: NDArray[np.int32], nodes: NDArray[np.int32]) -> Mask:
    """The nodes, and all above them, the root included (G,)."""
    kept = np.zeros(len(parents), bool)
    kept[nodes] = True
    for first, last in reversed(levels(parents)):
        kept[parents[first:last][kept[first:last]]] = True
    kept[ROOT] = True
    return kept
