"""Training: the loop, its objective, schedules, checkpoints, the journal of a run."""
