"""Text: normalisation, tokens, error rates."""
