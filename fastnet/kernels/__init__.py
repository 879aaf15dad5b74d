"""What is compiled: Numba code and nothing else.

`compiler`, `vectors` and `threads` hold what Numba and the processor need to be told; `layout` how the numbers lie in
memory, `inputs` those of the samples. On these stand `activations`, `costs` and `products`, and on them `epoch`,
the book's algorithm. `images` is a second kernel, which it calls for layers of images; `side_by_side` compiles both.
`choice` decides which of the alternatives is used. `deformation` makes new images of old ones.
"""
