"""scikit-learn is imported on the first access to `fastnet.neural_network`, not before."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

import fastnet

WITHOUT = "import sys; sys.modules['sklearn'] = None; import fastnet; "


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_it_is_one_of_the_names_of_fastnet():
    from fastnet import neural_network

    assert fastnet.neural_network is neural_network
    assert "neural_network" in dir(fastnet)
    with pytest.raises(AttributeError, match="module 'fastnet' has no attribute 'Classifier'"):
        _ = fastnet.Classifier


def test_it_is_imported_late():
    code = "import sys; from fastnet import *; assert 'sklearn' not in sys.modules; fastnet.neural_network"
    result = python(f"import fastnet; {code}; assert 'sklearn' in sys.modules")
    assert result.returncode == 0, result.stderr


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_few_rows_are_predicted_without_numba(tmp_path):
    classifier = fastnet.neural_network.MLPClassifier(max_iter=1, random_state=0)
    (tmp_path / "kept").write_bytes(pickle.dumps(classifier.fit(np.eye(40, 4), np.arange(40) % 2)))
    code = (
        f"import pickle, sys; kept = pickle.load(open({str(tmp_path / 'kept')!r}, 'rb')); kept.predict([[0, 0, 0, 1]])"
    )
    result = python(f"{code}; assert 'numba' not in sys.modules")
    assert result.returncode == 0, result.stderr


def test_without_scikit_learn_it_says_which_extra_installs_it():
    result = python(WITHOUT + "fastnet.neural_network")
    message = result.stderr.splitlines()[-1]
    assert message.startswith("ImportError: fastnet.neural_network needs scikit-learn (")
    assert message.endswith("; pip install 'fastnet-nndl[sklearn]' installs it")
    without_torch = "sys.modules['torch'] = None; import inspect; "  # importing PyTorch takes seconds
    result = python(WITHOUT + without_torch + "assert 'neural_network' not in dict(inspect.getmembers(fastnet))")
    assert result.returncode == 0, result.stderr
