"""Faults, tried on the program as its users run it: `python -m tests.faults`, or `make faults`.

Each module has one kind: `kills`, `files`, `commands`, `sources`. What is random is drawn from a
seed that is printed. A kind returns `Tried`: how often each fault was tried, and what went wrong.
"""
