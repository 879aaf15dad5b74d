"""
Activation functions
====================

The left panel shows four of the activation functions that the hidden neurons of
``network2`` may have. The right panel shows the accuracy of a network with each of the
four functions.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnet import mnist_loader, network2
from fastnet.formulas.activations import ACTIVATIONS

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
styles = {"sigmoid": "o-", "tanh": "s--", "relu": "^-.", "gelu": "d:"}

# %%
# All networks have the same initial parameters and the same learning rate.

watched = {"evaluation_data": validation_data, "monitor_evaluation_accuracy": True}
accuracies = {}
for activation in styles:
    net = network2.Network(
        [784, 30, 10], network2.LogLikelihoodCost, activation=activation, seed=1
    )
    _, accuracies[activation], _, _ = net.SGD(
        training_data[:20000], 10, 10, 0.05, report=lambda history: None, **watched
    )

# %%

z = np.linspace(-3, 3, 25)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for activation, style in styles.items():
    left.plot(
        z, ACTIVATIONS[activation].function(z), style, markevery=4, label=activation
    )
    right.plot(
        range(1, 11), [n / 100 for n in accuracies[activation]], style, label=activation
    )
left.set(xlabel="weighted input z", ylabel="activation", ylim=(-1.1, 3))
left.legend(frameon=False)
right.set(xlabel="epoch", ylabel="validation accuracy in %")
plt.show()
