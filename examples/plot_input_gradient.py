"""
Which pixels matter
===================

The derivative of an output with respect to each input shows how the answer of a network
depends on each pixel.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnet import mnist_loader, network2

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
net = network2.Network(
    [784, 100, 10], network2.LogLikelihoodCost, activation="tanh", seed=1
)
net.SGD(training_data, 4, 10, 0.05, lmbda=5.0, report=lambda history: None)

# %%
# ``input_gradient`` returns the derivative of the largest output. The images are the
# first test images of the digits 0 to 5.

first = [int(np.flatnonzero(test_data.targets == digit)[0]) for digit in range(6)]
images = test_data.inputs[first].T
gradients = net.input_gradient(images)

# %%
# Ink on an orange pixel lowers the output. Ink on a purple pixel raises the output.

figure, panels = plt.subplots(2, 6, figsize=(8, 3), layout="constrained")
for j in range(6):
    panels[0, j].imshow(images[:, j].reshape(28, 28), cmap="gray_r")
    gradient = gradients[:, j].reshape(28, 28)
    largest = abs(gradient).max()
    panels[1, j].imshow(gradient, cmap="PuOr", vmin=-largest, vmax=largest)
for axes in panels.flat:
    axes.set(xticks=[], yticks=[])
panels[0, 0].set_ylabel("image")
panels[1, 0].set_ylabel("derivative")
plt.show()
