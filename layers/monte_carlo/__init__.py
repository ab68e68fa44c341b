"""Predictions averaged over random masks."""
