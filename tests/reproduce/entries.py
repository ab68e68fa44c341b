"""A record of a run, as a campaign writes it."""

COMPLETE = {
    "status": "done",
    "arm": "A",
    "x": None,
    "run": {"data": "digits", "net": {"kind": "Mlp"}, "seed": 1, "updates": 10, "measures": []},
    "command": "python -m reproduce run toy",
    "commit": "c" * 40,
    "device": "CPU",
    "threads": 1,
    "packages": {"keras": "3"},
    "finished": "2026-01-01T00:00:00+00:00",
    "seconds": 1.0,
    "data_digest": "d",
}


def entry(**parts):
    """A complete record, with some of its parts replaced."""
    return COMPLETE | parts
