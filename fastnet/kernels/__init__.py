"""What is compiled: Numba code and nothing else.

`compiler` and `prefetching` hold what Numba needs to be told; `layout` how the parameters lie in memory; `rows` the
inputs without their zeros. On these stand `formulas`, the book's equations for a mini-batch, and `epoch`, the loop
over mini-batches.
"""
