"""N-gram language models: how likely a word is after the few words before it.

To learn about them, read in this order:

kneser_ney      where the numbers come from: the formulas, and the way through the other files
discounts       how much is taken from what was counted
suffix_tree     counting n-grams, and what Kneser and Ney count instead
partitions, corpus, rounds, arpa_sections
                the same for texts that do not fit into memory
ngrams, arpa    a model as arrays, and as a file
automaton       how a model is used: states, arcs and backing off
hashing, construction, storage
                how an automaton finds its arcs, is built, and is kept on disk
perplexity      how good a model is
suffixes, pruning
                leaving out the n-grams that a model can best do without
sources         the text that goes in
"""
