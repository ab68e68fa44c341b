"""Names of measures and numbers as tables and axes show them."""

from collections.abc import Sequence
from itertools import takewhile

# The field's usual spelling of parts of a measure's name, and units that the name leaves out.
SPELT = {
    "nll": "negative log-likelihood (nats)",
    "predictive entropy": "predictive entropy (nats)",
    "mutual information": "mutual information (nats)",
    "one minus auroc": "1 - AUROC",
    # Of all pixels of an image together (`training/measures.py`).
    "squared error": "half the squared error",
    "above first bin": "activations above 0.01",
    "probability share": "share of activations",
    "calibration": "expected calibration error",
    "monte carlo": "Monte-Carlo",
}


def measure_label(measure: str) -> str:
    """`monte_carlo_error_percent` -> "Monte-Carlo error (%)"."""
    if measure.endswith("_sd"):
        return f"s.d. of {measure_label(measure.removesuffix('_sd'))}"
    name = measure.replace("_", " ")
    for plain, spelt in SPELT.items():
        name = name.replace(plain, spelt)
    return name.removesuffix(" percent") + " (%)" if name.endswith(" percent") else name


def shared_label(measures: Sequence[str]) -> str:
    """The words that end all of the measures' labels; at least their unit, if they share one."""
    labels = [measure_label(measure).split()[::-1] for measure in measures]
    alike = takewhile(lambda words: len({*words}) == 1, zip(*labels, strict=False))
    shared = " ".join([words[0] for words in alike][::-1]) or "value"
    return shared.strip("()") if shared.startswith("(") else shared


def number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}"
