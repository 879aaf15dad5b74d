"""The functions that Numba compiles.

`compiler` configures Numba, `vectors` defines SIMD vectors, and `threads` runs kernels in several threads. `layout`
defines how parameters and activations are stored, and `inputs` how samples are stored. `formulas` compiles the
formulas of `activations` and `costs`. `blocks` compiles the loops of `product_blocks` and `image_blocks`, which keep
their sums in registers.

The kernel `epoch` is the book's algorithm. It calls two other kernels by address (see `calls`): `dense` for matrix
products, and `images` for layers that output images. `parallel_compilation` compiles the three kernels at the same
time. `choice` decides how inputs are stored, and how many threads compute. `deformation` deforms images, and
`shuffling` draws the order of an epoch's samples.

`cache` stores compiled kernels on disk. `sources` hashes the sources of a kernel, and `processors` describes the
processor that a kernel is compiled for. `processes` starts other processes that compile kernels.
"""
