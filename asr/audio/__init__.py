"""Recordings: reading, resampling, log-mel features, augmentation."""
