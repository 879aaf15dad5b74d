"""Draws the network's input and the probability of each digit as lines of text."""

from __future__ import annotations

import numpy as np

from fastnet.handwriting.prediction import Prediction, percent

_SHADES = " .:-=+*#%@"
_DARKEST, _GREYS = 232, 24  # index of the darkest grey, and number of greys, in a terminal's 256 colours
_BAR = 20  # number of characters in a bar for the probability 1


def show(prediction: Prediction, *, colors: bool) -> str:
    """Draw the 28 x 28 pixels, and beside them a bar for each digit's probability.

    Parameters
    ----------
    prediction : Prediction
        The prediction to draw.
    colors : bool
        Whether the terminal has 256 colours. With 256 colours, each half of a character shows one pixel. With fewer
        colours, an ASCII character shows the mean of two pixels.

    Returns
    -------
    str
        14 lines.
    """
    upper, lower = prediction.pixels[::2], prediction.pixels[1::2]
    if colors:
        picture = [_half_blocks(*rows) for rows in zip(upper, lower, strict=True)]
    else:
        shades = ((upper + lower) / 2 * len(_SHADES)).astype(int)
        picture = ["".join(_SHADES[shade] for shade in row) for row in shades]
    mark = "█" if colors else "#"
    bars = [_bar(digit, probability, mark) for digit, probability in enumerate(prediction.probabilities)]
    beside = ["", "", *bars, "", ""]
    return "\n".join(f"{row}   {bar}".rstrip() for row, bar in zip(picture, beside, strict=True))


def _half_blocks(upper: np.ndarray, lower: np.ndarray) -> str:
    greys = (_DARKEST + (np.stack([upper, lower], axis=1) * _GREYS).astype(int)).tolist()
    return "".join(f"\x1b[38;5;{above};48;5;{below}m▀" for above, below in greys) + "\x1b[0m"


def _bar(digit: int, probability: float, mark: str) -> str:
    return f"{digit} {mark * round(_BAR * probability):{_BAR}} {percent(probability):>6}"
