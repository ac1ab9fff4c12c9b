"""Transcripts and evaluations as a page: one HTML file with pictures, words and, if wanted, the sound."""
