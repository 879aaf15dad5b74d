"""The figures of all pictures. Only this module imports matplotlib when it is imported itself."""

from io import BytesIO

try:
    from matplotlib.figure import Figure
except ImportError:
    raise ImportError("a picture needs matplotlib; pip install 'fastnet-nndl[plot]' installs it") from None


class NotebookFigure(Figure):
    """A figure that a notebook shows; one of matplotlib's own it shows only after pyplot has been imported."""

    def _repr_png_(self) -> bytes:
        """Return the picture as IPython asks for it."""
        file = BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
