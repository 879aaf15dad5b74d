"""The race: the same network, from the same parameters and in the same order, in each engine.

`epochs` makes a table of engines, `map` a grid of networks; `timing` is how both time, `plots` draws them.
"""

from fastnet.comparison.epochs import Comparison, Result, compare
from fastnet.comparison.map import MINI_BATCH_SIZES, WIDTHS, Cell, Map, compare_map
from fastnet.comparison.timing import installed

__all__ = ["MINI_BATCH_SIZES", "WIDTHS", "Cell", "Comparison", "Map", "Result", "compare", "compare_map", "installed"]
