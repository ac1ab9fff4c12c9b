"""Decoding: from the emissions of an acoustic model to texts.

To learn about it, read docs/decoding.md, which derives everything, and then in this order:

ctc             the best path
search          prefix beam search: what it remembers, and its compiled steps
beam            the search as it is used
partial         what a search under way has written, and what of it is final
fusion          language models inside the search; `knowledge` is the same as arrays, and how it is read
graph           which tokens write which words: words by their letters, lexicons, grammars
hotwords        phrases that are expected
scorer, kenlm_scorer
                language models that are asked from outside
tuning          how much a language model counts
align, align_kernel
                where a known text was spoken
words, pauses, calibration, identity
                words with their times and confidences, and for which decoding these hold
ctcdecode_compat
                the interface of ctcdecode; `ctcdecode` is what it is made of
"""
