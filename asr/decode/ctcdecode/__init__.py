"""What `asr.decode.ctcdecode_compat` is made of.

search   a search with ctcdecode's settings, and its streams
models   labels and language models as ctcdecode takes them
tensors  what it is given and what it returns
"""
