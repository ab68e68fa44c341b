"""Paired timings of this project's training step and its peers'; `make bench` runs them all."""
