"""Turns corpora as they are published into manifests: ``python -m data_prep CORPUS --from … --to …``."""
