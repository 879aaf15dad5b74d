"""
The book's first network
========================

The network of the book's :doc:`chapter 1 </chapter1>` learns to classify the digits of
MNIST. The learning curve shows the accuracy on the test data after each epoch.
"""

from fastnet import mnist_loader, network

# %%
# MNIST comes with fastnet. A data set has a length and can be sliced, like the list of
# tuples in the book.

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
print(training_data)

# %%
# The network has 784 inputs, 30 hidden neurons and ten outputs. ``SGD`` trains for 30
# epochs, in mini-batches of ten samples, with the learning rate 3.

net = network.Network([784, 30, 10], seed=1)
net.SGD(training_data, 30, 10, 3.0, test_data=test_data)

# %%
# ``net.history`` has the numbers that ``SGD`` printed. In a script, ``plots.save(figure,
# "learning.png")`` writes the picture.

figure = net.history.plot()
