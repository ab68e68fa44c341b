"""One short file an experiment, found by its name."""
