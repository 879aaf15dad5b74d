"""Compares the speed of the engines on the same network, from the same parameters and in the same order of samples.

`epochs` compares engines on one network. `map` compares engines for several widths and mini-batch sizes. Both use
`timing`. `plots` draws the results.
"""

from fastnet.comparison.epochs import Comparison, Result, compare
from fastnet.comparison.map import MINI_BATCH_SIZES, WIDTHS, Cell, Map, compare_map
from fastnet.comparison.timing import installed

__all__ = ["MINI_BATCH_SIZES", "WIDTHS", "Cell", "Comparison", "Map", "Result", "compare", "compare_map", "installed"]
