"""
Confusion matrix
================

A confusion matrix counts how often a network gives each answer to images of each digit.
"""

from fastnet import mnist_loader, network2, plots

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
net = network2.Network([784, 30, 10], seed=1)
net.SGD(training_data, 5, 10, 0.5, lmbda=5.0, report=lambda history: None)

# %%
# ``feedforward`` takes one sample per column. The index of the largest output is the
# answer of the network.

predictions = net.feedforward(test_data.inputs.T).argmax(axis=0)
figure = plots.confusion_matrix(test_data.targets, predictions)
