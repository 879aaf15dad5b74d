from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernels.networks import ARCHITECTURES, few, known_layers

from fastnet.formulas.layers import Convolution, MaxPooling
from fastnet.kernels import arrays, layout, workspace
from fastnet.kernels.vectors import lanes_of

SAMPLES, THREADS = st.integers(0, 9), st.integers(1, 3)


def arrays_of(space):
    """Return the arrays of a workspace by name."""
    return {name: each for name, each in space._asdict().items() if isinstance(each, np.ndarray)}


@given(ARCHITECTURES, SAMPLES, THREADS)
@few
def test_no_vector_lies_across_cache_lines(architecture, samples, threads):
    there, dtype = layout.layout_of(architecture), architecture.dtype
    space = workspace.workspace_of(there, samples, threads)
    targets = arrays.flat_rows(np.ones((samples + 1, architecture.n_out)), dtype)
    numbers = [array for array in arrays_of(space).values() if array.dtype.kind == "f"]
    for array in (layout.zeros(there).values, there.neurons, *numbers, targets):
        assert array.dtype == dtype
        assert array.ctypes.data % 64 == 0 or not array.size
    for start in (*there.units, *there.channels, *there.weights, there.biases, there.gammas):
        assert start % lanes_of(dtype) == 0
    register = lanes_of(dtype) * dtype.itemsize // 2  # size of a register in bytes; a vector has two registers
    assert 64 % register == 0


@given(ARCHITECTURES, SAMPLES, THREADS)
@few
def test_arrays_have_the_size_of_the_samples(architecture, samples, threads):
    there = layout.layout_of(architecture)
    space = workspace.workspace_of(there, samples, threads)
    for array in (space.activations, space.slopes, space.delta):
        assert array.shape == (samples * there.units[-1],)
    assert space.means.shape == space.inverses.shape == (there.channels[-1],)
    for one, other in combinations(arrays_of(space).values(), 2):
        assert not np.shares_memory(one, other)
    np.testing.assert_array_equal(space.samples, np.arange(samples), strict=True)
    has_images = any(isinstance(each.layer, (Convolution, MaxPooling)) for each in known_layers(architecture))
    assert space.images == 0
    assert space.places.shape == (space.activations.shape if has_images else (0,))
    assert space.filters.shape == (there.filters[-1],)


@given(ARCHITECTURES, THREADS)
@few
def test_each_thread_has_a_section_of_the_same_size(architecture, threads):
    there = layout.layout_of(architecture)
    one, several = (arrays_of(workspace.workspace_of(there, 2, number)) for number in (1, threads))
    of_all = {"activations", "slopes", "delta", "places", "means", "inverses", "samples", "filters"}
    for name, array in several.items():
        assert len(array) == len(one[name]) * (1 if name in of_all else threads)


def test_arrays_of_a_page_do_not_begin_at_the_same_place_of_one():
    """Arrays begin at different offsets in a memory page; otherwise, loads would wait for stores to another array."""
    for size in (1, 1024, 5000):
        starts = [array.ctypes.data % 4096 for array in workspace._apart(3, size, np.dtype("float32"))]
        assert len(set(starts)) == 3
