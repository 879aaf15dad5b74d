"""
Initial weights
===============

The book's chapter 3 divides the initial weights of a neuron by the square root of the
number of its inputs. With undivided weights, most hidden neurons are saturated, and the
network needs more epochs than with divided weights.
"""

import matplotlib.pyplot as plt

from fastnet import mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

# %%
# ``default_weight_initializer`` divides the weights. ``large_weight_initializer`` does
# not divide them.

watched = {"evaluation_data": validation_data, "monitor_evaluation_accuracy": True}
accuracies = {}
for name in ("default_weight_initializer", "large_weight_initializer"):
    net = network2.Network([784, 30, 10], seed=1)
    getattr(net, name)()
    _, accuracies[name], _, _ = net.SGD(
        training_data, 12, 10, 0.1, lmbda=5.0, report=lambda history: None, **watched
    )

# %%

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, correct), style in zip(accuracies.items(), ("o-", "s--"), strict=True):
    axes.plot([each / 100 for each in correct], style, label=name)
axes.set(xlabel="epoch", ylabel="validation accuracy in %")
axes.legend(frameon=False)
plt.show()
