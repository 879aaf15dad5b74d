"""
Weights of hidden neurons
=========================

A hidden neuron of the first layer has a weight for each pixel. Drawn as an image, the
weights show which pixels raise the neuron's activation, and which pixels lower the
activation.
"""

from fastnet import mnist_loader, network2, plots

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
net = network2.Network([784, 20, 10], seed=1)
net.SGD(training_data, 10, 10, 0.2, lmbda=5.0, report=lambda history: None)
print(f"{net.accuracy(test_data) / len(test_data):.2%} of the test data")

# %%
# With L2 regularization, weights of pixels that are almost always 0 stay close to zero.

figure = plots.weights(net.weights[0])
