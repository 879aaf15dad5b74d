"""
A network that computes a given function
========================================

The book's :doc:`chapter 4 </chapter4>` shows that a network with one hidden layer can
approximate any continuous function. Nothing is trained here: the weights follow from the
function.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Dense, network2

plt.style.use("tableau-colorblind10")


def f(x):
    """Return the value at x of the function in the book's chapter 4."""
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


# %%
# A hidden neuron with a large weight w and the bias -w s computes a step function with
# the step at s. The output weight of the neuron is the height of the step.


def approximation(n):
    """Return a network whose output has n constant pieces for inputs from 0 to 1."""
    edges, heights = np.arange(1, n) / n, f((np.arange(n) + 0.5) / n)
    net = network2.Network([1, n - 1, Dense(1, "linear")], "quadratic", dtype="float64")
    w = 50.0 * n
    net.weights = [np.full((n - 1, 1), w), np.diff(heights)[np.newaxis]]
    net.biases = [-w * edges[:, np.newaxis], heights[:1, np.newaxis]]
    return net


# %%

x = np.linspace(0, 1, 2001)
figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), sharey=True, layout="constrained")
for axes, n in zip(panels, (5, 20, 80), strict=True):
    output = approximation(n).feedforward(x[np.newaxis])[0]
    axes.plot(x, output, linewidth=2.5, label="network")
    axes.plot(x, f(x), "--", label="f(x)")
    error = np.abs(output - f(x)).max()
    axes.set(xlabel="input x", title=f"{n - 1} hidden neurons, error {error:.2f}")
panels[0].set_ylabel("output")
panels[0].legend(frameon=False)
plt.show()
