"""The figure class of all pictures.

Only this module imports matplotlib at its top. Other modules import matplotlib inside of functions.
"""

from io import BytesIO

try:
    from matplotlib.figure import Figure
except ImportError:
    raise ImportError("a picture needs matplotlib; pip install 'fastnet-nndl[plot]' installs it") from None


class NotebookFigure(Figure):
    """A figure that a notebook shows. Matplotlib's own figures are shown only after pyplot has been imported."""

    def _repr_png_(self) -> bytes:
        """Return the picture as a PNG file, for IPython."""
        file = BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
