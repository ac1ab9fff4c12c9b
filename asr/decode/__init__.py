"""Decoding: from the emissions of an acoustic model to texts.

To learn about it, read docs/decoding.md, which derives everything, and then in this order:

ctc             the best path
beam_tree       what prefix beam search remembers
beam_kernel, extension_kernel, pruning_kernel, forgetting_kernel, selection_kernel
                the compiled search: a frame, what may follow, what is kept, what is forgotten, which is best
beam, beam_state, beam_texts
                the search as it is used: states of utterances and streams, hypotheses
fusion, fusion_arrays, fusion_layout, fusion_kernel
                language models inside the search: what there is, as arrays, and how it is read
word_graph, trie, spelling, pronunciation, phrases, word_graph_storage
                which tokens write which words: words by their letters, lexicons, grammars
hotwords, matching
                phrases that are expected
scorer, outside, kenlm_scorer
                language models that are asked from outside
tuning          how much a language model counts
align, align_kernel
                where a known text was spoken
words, pauses, calibration, identity
                words with their times and confidences, and for which decoding these hold
ctcdecode_compat, ctcdecode_search, ctcdecode_models, ctcdecode_tensors
                the interface of ctcdecode
"""
