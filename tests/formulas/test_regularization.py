import numpy as np
from engines.drawing import drawn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastnet.formulas.regularization import bounded, decayed


def test_decay_by_hand():
    w, zeros = np.array([[2.0, -4.0, 0.0]]), np.zeros((1, 3))
    assert decayed(zeros, w, 0.5, 0.0).tolist() == [[1, -2, 0]]
    assert decayed(zeros, w, 0.0, 0.25).tolist() == [[0.25, -0.25, 0]]
    assert decayed(zeros, w, 0.5, 0.25).tolist() == [[1.25, -2.25, 0]]
    assert decayed(zeros.astype(np.float32), w.astype(np.float32), 0.5, 0.25).dtype == np.float32


def test_bounded_by_hand():
    w = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [0.0, -2.0]])
    np.testing.assert_allclose(bounded(w, 2.0), [[1.2, 1.6], [0.3, 0.4], [0, 0], [0, -2]], rtol=1e-15)
    for dtype in (np.float32, np.float64):
        assert bounded(w.astype(dtype), 2.0).dtype == dtype
        np.testing.assert_array_equal(bounded(w.astype(dtype), 50.0), w.astype(dtype))


def test_a_filter_is_a_neuron():
    w = np.random.default_rng(0).standard_normal((5, 2, 3, 4))
    np.testing.assert_array_equal(bounded(w, 2.0), bounded(w.reshape(5, 24), 2.0).reshape(w.shape))


@given(arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e3))
@drawn(50)
def test_no_norm_is_larger_than_the_bound_and_none_changes_its_direction(w, max_norm):
    found = bounded(w, max_norm)
    norms, before = (np.linalg.norm(array, axis=1) for array in (found, w))
    np.testing.assert_allclose(norms, np.minimum(before, max_norm), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found * before[:, np.newaxis], w * norms[:, np.newaxis], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found[before < max_norm * 0.999], w[before < max_norm * 0.999])
