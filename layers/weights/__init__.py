"""Layers that drop weights, and slices of weight matrices."""
