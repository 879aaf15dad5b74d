"""What is compiled: Numba code and nothing else.

`compiler`, `vectors` and `threads` hold what Numba and the processor need to be told; `layout` how the numbers lie in
memory, `inputs` those of the samples. `blocks`, `product_blocks` and `image_blocks` keep sums in registers. On these
stand `activations`, `costs` and `products`, and on them `epoch`, the book's algorithm. `calls` says how it calls two
other kernels: `dense` for matrix products, and `images` for layers of images. `side_by_side` compiles them at the same
time. `choice` decides which of the alternatives is used. `deformation` makes new images of old ones, and `shuffling`
draws the order of an epoch.

`cache` keeps compiled kernels on the disk: `sources` says what they were compiled from, and `processors` for which
processor. `processes` starts other processes, which compile.
"""
