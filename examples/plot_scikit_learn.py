"""
MLPClassifier beside scikit-learn's
===================================

``fastnet.neural_network.MLPClassifier`` takes the parameters of scikit-learn's
``MLPClassifier``. With the same ``random_state``, both classes train the same network, up
to rounding. :doc:`/scikit-learn` lists the differences.
"""

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import fastnet.neural_network

plt.style.use("tableau-colorblind10")
warnings.simplefilter("ignore", ConvergenceWarning)  # both classifiers stop at `max_iter`
x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, random_state=0)

# %%
# The code for both libraries differs only in the module that has ``MLPClassifier``.

curves = {}
for library in (sklearn, fastnet):
    classifier = library.neural_network.MLPClassifier((100,), max_iter=60, random_state=0)
    began = perf_counter()
    classifier.fit(x_train, y_train)
    seconds = perf_counter() - began
    curves[library.__name__] = classifier.loss_curve_
    accuracy = classifier.score(x_test, y_test)
    print(f"{library.__name__}: {accuracy:.1%} of the test data, {seconds:.2f} seconds")

# %%

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
axes.plot(curves["sklearn"], color="C1", linewidth=5, alpha=0.6, label="scikit-learn")
axes.plot(curves["fastnet"], "--", color="C0", label="fastnet")
axes.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
axes.legend(frameon=False)
plt.show()
