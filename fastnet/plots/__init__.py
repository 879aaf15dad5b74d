"""Pictures, with matplotlib: how networks learnt, what they get wrong, and what their weights look like.

Each picture is a function in a file of its own. It returns a figure, which a notebook shows and `save` writes; given
matplotlib axes of yours, it draws there instead and returns them. `figures` is what all of them share, `images` and
`labels` what some do. The pictures of a race are in `fastnet.comparison.plots`.
"""

from fastnet.plots.confusion import confusion_matrix
from fastnet.plots.figures import OTHERS, OURS, check, new_figure, save
from fastnet.plots.learning import learning_curves
from fastnet.plots.mistakes import mistakes
from fastnet.plots.sweeps import sweep
from fastnet.plots.weights import weights

__all__ = [
    "OTHERS",
    "OURS",
    "check",
    "confusion_matrix",
    "learning_curves",
    "mistakes",
    "new_figure",
    "save",
    "sweep",
    "weights",
]
