"""
Digits that a network gets wrong
================================

The misclassified images show whether a network fails only at digits that are hard to
read, or also at digits that are easy to read.
"""

from fastnet import mnist_loader, network2, plots

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
net = network2.Network(
    [784, 100, 10], network2.LogLikelihoodCost, activation="relu", seed=1
)
net.SGD(training_data, 5, 20, 0.1, lmbda=1.0, report=lambda history: None)

# %%
# ``plots.mistakes`` draws the most confident mistakes first. Above each image are the
# label, the answer of the network, and the output for that answer.

figure = plots.mistakes(net, test_data)
