"""
Filters and feature maps
========================

A convolutional layer moves filters over an image. Each filter makes a feature map, which
shows where in the image the filter fits. The book's :doc:`chapter 6 </chapter6>` explains
convolutional networks.
"""

import matplotlib.pyplot as plt

from fastnet import Convolution, MaxPooling, mnist_loader, network2

training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

# %%
# ``sizes`` begins with the shape of the images: one map of 28 x 28 pixels.

layers = [(1, 28, 28), Convolution(8, 5, "relu"), MaxPooling(2), 10]
net = network2.Network(layers, network2.LogLikelihoodCost, seed=3)
net.SGD(training_data[:20000], 2, 10, 0.03, lmbda=0.1, report=lambda history: None)
print(f"{net.accuracy(test_data) / len(test_data):.1%} of the test data")

# %%
# ``activations`` returns the activations of every layer: the inputs, the feature maps,
# the pooled maps and the outputs. If a map is blank, the weighted input of the filter is
# negative at every position in the image.

filters = net.weights[0][:, 0]
feature_maps = net.activations(test_data[0][0])[1][..., 0]
largest = abs(filters).max()
figure, panels = plt.subplots(2, 8, figsize=(9, 2.8), layout="constrained")
for j, (filter_, feature_map) in enumerate(zip(filters, feature_maps, strict=True)):
    panels[0, j].imshow(filter_, cmap="PuOr", vmin=-largest, vmax=largest)
    panels[1, j].imshow(feature_map, cmap="gray_r")
for axes in panels.flat:
    axes.set(xticks=[], yticks=[])
panels[0, 0].set_ylabel("filter")
panels[1, 0].set_ylabel("feature map")
plt.show()
