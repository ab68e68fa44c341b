"""The pictures that a probe made of each arm, as one panel of a figure."""

import base64
import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from reproduce.report.evidence import Evidence
from reproduce.spec import View

TITLE_CHARACTERS = 30
TITLE_HEIGHT = 0.1
# The eye cannot tell more apart, and noise compresses badly: this halves the figure's size.
GREYS = 32


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """Every arm's picture, for the one seed whose pictures were kept: side by side, or stacked if
    they are wide."""
    found = {
        entry["arm"]: _read(entry["pictures"][view.picture])
        for entry in evidence.runs.values()
        if view.picture in entry.get("pictures", {})
    }
    order = dict.fromkeys(cell.arm for cell, _ in evidence.chosen)
    arms = [arm for arm in order if arm in found and (not view.arms or arm in view.arms)]
    axes.set(xticks=[], yticks=[], frame_on=False, xlabel=view.x_label)
    is_wide = all(found[arm].shape[1] > 2 * found[arm].shape[0] for arm in arms)
    share = 1 / max(len(arms), 1)
    for i, arm in enumerate(arms):
        if is_wide:
            place = (0.0, 1 - (i + 1) * share, 1.0, share - TITLE_HEIGHT)
        else:
            place = (i * share, 0.0, 0.95 * share, 1 - TITLE_HEIGHT)
        inset = axes.inset_axes(place)
        inset.imshow(found[arm], cmap="gray", vmin=0, vmax=1, interpolation="none")
        inset.set(xticks=[], yticks=[])
        if len(order) > 1:
            width = TITLE_CHARACTERS if not is_wide else 3 * TITLE_CHARACTERS
            inset.set_title(textwrap.fill(arm, width), fontsize="small")


def _read(text: str) -> np.ndarray:
    levels = plt.imread(io.BytesIO(base64.b64decode(text)))
    return levels if levels.ndim == 3 else np.rint(levels * (GREYS - 1)) / (GREYS - 1)
