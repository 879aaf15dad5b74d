"""Many networks: a grid of recipes, each with several seeds, on all processors or on a cluster.

`grid` makes recipes of lists of values, `run` trains one network, `threads` and `cluster` train many, `record` keeps
what is finished, `table` says what came of it; `sweeping` puts them together.
"""

from fastnet.sweeps.sweeping import TrainingFailed, sweep
from fastnet.sweeps.table import Row, Sweep

__all__ = ["Row", "Sweep", "TrainingFailed", "sweep"]
