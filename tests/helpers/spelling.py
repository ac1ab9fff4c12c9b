"""What tokens can write, by enumeration: slow and obvious."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asr.decode.graph.word_graph import ROOT, WordGraph
from asr.lm.ngrams import WORD_BITS


def segmentations(text: str, tokens: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """All sequences of tokens whose texts together are `text`."""
    if not text:
        yield ()
    for index, token in enumerate(tokens):
        if token and text.startswith(token):
            for rest in segmentations(text[len(token) :], tokens):
                yield (index, *rest)


def arcs(graph: WordGraph) -> dict[int, list[tuple[int, int]]]:
    """Tokens and the nodes that they lead to, for every node."""
    found: dict[int, list[tuple[int, int]]] = {}
    for held, target in zip(graph.arc_keys.tolist(), graph.arc_next.tolist(), strict=True):
        if held >= 0:
            found.setdefault(held >> WORD_BITS, []).append((held % (1 << WORD_BITS), target))
    return found


def paths(graph: WordGraph) -> dict[tuple[int, ...], int]:
    """All sequences of tokens that lead somewhere from the root, and where."""
    steps = arcs(graph)
    found: dict[tuple[int, ...], int] = {}
    new: dict[tuple[int, ...], int] = {(): ROOT}
    while new:
        found |= new
        new = {(*path, token): to for path, node in new.items() for token, to in steps.get(node, ())}
    return found


def spelled(graph: WordGraph) -> dict[tuple[int, ...], list[str]]:
    """All sequences of tokens that end a word, and the words, sorted."""
    return {
        path: sorted(graph.words[word] for word in graph.ends(node))
        for path, node in paths(graph).items()
        if graph.ends(node)
    }
