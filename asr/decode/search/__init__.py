"""Prefix beam search itself: what it remembers, and the compiled steps of a frame.

tree              what prefix beam search remembers
kernel            a frame: every prefix stays, is extended, and the best are kept
extension_kernel  what may follow a prefix
pruning_kernel    what is kept, and what is one text
selection_kernel  which are the best
forgetting_kernel what leads nowhere any more
state             a search under way
storage           a search as plain values, to be stored and sent
texts             from what was written to hypotheses
"""
