"""Pictures, with matplotlib: learning curves, sweeps, confusion matrices, misclassified images and weights.

Each picture is a function in a module of its own. The function returns a figure, which a notebook shows and `save`
writes. Given matplotlib axes, the function draws on the axes and returns them. `learning_curves` takes a figure instead
of axes. All pictures use `figures`, and some use `images` and `labels`. The pictures of comparisons are in
`fastnet.comparison.plots`.
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
