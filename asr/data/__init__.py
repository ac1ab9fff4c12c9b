"""Corpora: manifests, examples, batches."""
