"""
Decision boundary on two moons
==============================

``Dataset`` makes a data set from two arrays. The network has two inputs, so its output
can be drawn for every point of the plane.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from fastnet import Dataset, network2

plt.style.use("tableau-colorblind10")
points, labels = make_moons(400, noise=0.2, random_state=0)
data = Dataset(points, labels)

# %%
# With softmax outputs, the second output is the probability of class 1.

net = network2.Network([2, 20, 2], network2.LogLikelihoodCost, activation="tanh", seed=1)
net.SGD(data, 200, 10, 0.2, report=lambda history: None)
print(f"{net.accuracy(data) / len(data):.1%} of the samples")

# %%

x, y = np.meshgrid(np.linspace(-1.8, 2.8, 200), np.linspace(-1.4, 1.9, 150))
probability = net.feedforward(np.stack([x.ravel(), y.ravel()]))[1].reshape(x.shape)
figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
filled = axes.contourf(
    x, y, probability, levels=np.linspace(0, 1, 11), cmap="PuOr", alpha=0.5
)
axes.contour(x, y, probability, levels=[0.5], colors="black", linestyles="--")
for label, marker, color in ((0, "o", "#b35806"), (1, "^", "#542788")):
    axes.scatter(
        *points[labels == label].T,
        s=16,
        color=color,
        edgecolor="white",
        linewidth=0.4,
        marker=marker,
        label=f"class {label}",
    )
axes.set(xlabel="first input", ylabel="second input")
axes.legend(frameon=True, loc="upper right")
figure.colorbar(filled, label="probability of class 1")
plt.show()
