"""
A sweep as a heat map
=====================

A :doc:`sweep </sweeps>` trains a network for each combination of some settings. A heat
map of two settings shows the validation accuracy of each combination.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastnet
from fastnet import mnist_loader

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

# %%
# 25 combinations of learning rate and L2 regularization, each with two seeds, are 50
# networks.

etas, lmbdas = [0.02, 0.1, 0.5, 2.5, 12.5], [0.0, 0.1, 1.0, 10.0, 100.0]
found = fastnet.sweep(
    (training_data[:2000], validation_data[:2000]),
    cost="cross-entropy",
    eta=etas,
    lmbda=lmbdas,
    seeds=2,
    epochs=5,
)
print(found.summary())

# %%
# Each row of the result has a recipe, and the mean accuracy over the recipe's seeds.

means = {(row.recipe.eta, row.recipe.lmbda): row.mean for row in found.rows}
grid = 100 * np.array([[means[eta, lmbda] for eta in etas] for lmbda in lmbdas])
figure, axes = plt.subplots(figsize=(6, 4.4), layout="constrained")
image = axes.imshow(grid, cmap="cividis", vmin=10, vmax=100)
for (i, j), mean in np.ndenumerate(grid):
    color = "white" if mean < 60 else "black"
    axes.text(j, i, f"{mean:.1f}", ha="center", va="center", color=color)
axes.set(xticks=range(5), xticklabels=etas, yticks=range(5), yticklabels=lmbdas)
axes.set(xlabel="learning rate eta", ylabel="L2 regularization lmbda")
figure.colorbar(image, label="validation accuracy in %")
plt.show()
