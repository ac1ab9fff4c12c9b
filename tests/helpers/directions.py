"""Both kinds of recurrent stack: a bidirectional one, and a unidirectional one that may look ahead."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

DIRECTIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"bidirectional": True}),
    st.fixed_dictionaries({"bidirectional": st.just(False), "lookahead": st.integers(0, 5)}),
)
"""Keys of ModelConfig."""
