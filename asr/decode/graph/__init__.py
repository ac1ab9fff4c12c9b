"""Which tokens write which words, as a graph whose arcs are tokens.

word_graph     nodes, arcs, and the words that end
trie           many sequences of tokens as one tree
spelling       words by their letters or pieces
pronunciation  words by a lexicon
phrases        grammars: phrases that may be said, and nothing else
storage        graphs on disk
"""
