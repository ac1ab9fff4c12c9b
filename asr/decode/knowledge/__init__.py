"""What a search knows besides the emissions, laid out for compiled code.

arrays    the plain arrays that it reads
layout    from a `Fusion` to these arrays
kernel    what a prefix is worth
matching  automata of phrases
outside   language models that are asked after every frame
"""
