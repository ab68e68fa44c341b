"""Restricted Boltzmann machines, with dropout and without."""
