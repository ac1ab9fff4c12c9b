"""Recognition: engines, the recogniser, evaluation, output formats."""
