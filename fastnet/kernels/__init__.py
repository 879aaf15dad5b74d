"""The functions that Numba compiles.

`compiler` configures Numba, `vectors` defines SIMD vectors, and `threads` runs kernels in several threads. `layout`
defines how parameters and activations are stored, and `inputs` how samples are stored. `blocks`, `product_blocks` and
`image_blocks` keep sums in registers. `activations`, `costs` and `products` use them. `epoch` is the book's algorithm.
`epoch` calls two other kernels, as `calls` defines: `dense` for matrix products, and `images` for layers of images.
`side_by_side` compiles the three kernels at the same time. `choice` decides how inputs are stored, and how many
threads compute. `deformation` makes deformed images, and `shuffling` draws the order of an epoch.

`cache` stores compiled kernels on disk. `sources` hashes the sources of a kernel, and `processors` describes the
processor that it is compiled for. `processes` starts other processes, which compile.
"""
