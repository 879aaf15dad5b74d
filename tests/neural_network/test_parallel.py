"""Tests of a grid search that trains several networks in parallel threads, in parallel processes or with Dask."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.model_selection import GridSearchCV

from fastnet.kernels import choice, threads
from fastnet.neural_network import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@contextlib.contextmanager
def with_dask():
    """Run joblib's tasks in a worker process of Dask."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address="localhost:0"
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        yield


BACKENDS = {
    "threads": lambda: joblib.parallel_config("threading"),
    "processes": lambda: joblib.parallel_config("loky"),
    "dask": with_dask,
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_search_finds_the_same(blobs, backend):
    x, y = blobs(3)
    grid = {"hidden_layer_sizes": [(4,), (300,)], "solver": ["sgd", "adam"]}
    search = GridSearchCV(MLPClassifier(random_state=0, max_iter=3, learning_rate_init=0.01), grid, cv=2)
    alone = search.fit(x, np.array(["a", "b", "c"])[y]).cv_results_["mean_test_score"].tolist()
    with BACKENDS[backend]():
        search.set_params(n_jobs=2).fit(x, np.array(["a", "b", "c"])[y])
    assert search.cv_results_["mean_test_score"].tolist() == alone
    assert search.predict(x).tolist() == search.best_estimator_.predict(x).tolist()


def test_in_threads_beside_the_main_one_a_network_is_computed_by_one(blobs, monkeypatch):
    """Outside the main thread, a network uses one thread, because parallel networks would wait for each other."""
    asked = []
    monkeypatch.setattr(choice, "threads", lambda work, parts, available: asked.append(available()) or 1)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 7)
    monkeypatch.setattr(threads, "_processors", lambda: 7)
    # Busy processors, during this or an earlier test, must not reduce the number of threads.
    monkeypatch.setattr(threads, "_single_thread_period", threads._SingleThreadPeriod())
    monkeypatch.setattr(threads._single_thread_period, "update", lambda running: None)
    x, y = blobs(3)
    classifier = MLPClassifier(max_iter=1)

    def everything():
        classifier.fit(x, y).partial_fit(x, y).predict(x)
        return set(asked)

    assert everything() == {7}
    asked.clear()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(everything).result() == {1}
