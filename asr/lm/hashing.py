"""Hash tables in plain arrays: integer keys find their place in about one look, from any language.

A table is an array of keys whose size is a power of two; -1 marks an empty place. A key's home is the
upper half of its product with an odd constant, folded onto the lower half (Knuth, *The Art of Computer
Programming*, vol. 3, 6.4: Fibonacci hashing). Where another key sits at home, the next place is tried,
and the next (open addressing with linear probing). So a key is found by looking from its home onwards
until it turns up, or until an empty place proves that it is not there.

Here whole arrays of keys go through each step together. A loop over one key is in `Automaton.advance`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EMPTY = -1
"""What stands where no key is; keys are never negative."""

MULTIPLIER = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: its multiples are spread evenly over all places."""

Keys = NDArray[np.int64]


def new_table(count: int) -> Keys:
    """An empty table (size,) for `count` keys; a third to two thirds of it will be full."""
    size = 2
    while 2 * size < 3 * (count + 1):
        size *= 2
    return np.full(size, EMPTY, np.int64)


def home(keys: Keys, size: int) -> Keys:
    """Where the search for each key begins in a table of `size` places."""
    mixed = keys.astype(np.uint64) * np.uint64(MULTIPLIER)  # modulo 2**64
    mixed ^= mixed >> np.uint64(32)
    return (mixed & np.uint64(size - 1)).astype(np.int64)


def insert(table: Keys, keys: Keys) -> Keys:
    """Puts distinct new keys (n,) into a table, in place; there must be room.

    Returns:
        The places that they were given (n,).
    """
    places = home(keys, len(table))
    waiting = np.arange(len(keys))
    while len(waiting):
        tried = places[waiting]
        free = table[tried] == EMPTY
        table[tried[free]] = keys[waiting[free]]  # of several for one place, one stays
        waiting = waiting[table[tried] != keys[waiting]]
        places[waiting] = (places[waiting] + 1) & (len(table) - 1)
    return places


def find(table: Keys, keys: Keys) -> Keys:
    """Finds the places of keys (n,) in a table; -1 for those that are not in it."""
    places = home(keys, len(table))
    found = np.full(len(keys), EMPTY, np.int64)
    searching = np.arange(len(keys))
    while len(searching):
        held = table[places[searching]]
        hit = held == keys[searching]
        found[searching[hit]] = places[searching[hit]]
        searching = searching[~hit & (held != EMPTY)]
        places[searching] = (places[searching] + 1) & (len(table) - 1)
    return found
