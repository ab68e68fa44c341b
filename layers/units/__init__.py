"""Layers that drop units, one by one or in groups."""
