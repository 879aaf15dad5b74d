"""
Vanishing gradients
===================

In a deep network of sigmoid neurons, the gradient of the cost becomes smaller with each
layer, from the last layer to the first. So the first layers learn slowly. The book's
:doc:`chapter 5 </chapter5>` calls this the vanishing gradient problem.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnet import mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

# %%
# ``gradients`` returns the gradient of the cost with respect to biases and weights, layer
# by layer. The curves show medians over 20 untrained networks.

norms = {}
for activation in ("sigmoid", "tanh", "relu"):
    found = []
    for seed in range(20):
        net = network2.Network(
            [784, 30, 30, 30, 30, 30, 10], activation=activation, seed=seed
        )
        nabla_b, nabla_w = net.gradients(training_data[:500])
        found.append([np.linalg.norm(nabla) for nabla in nabla_b[:-1]])
    norms[activation] = np.median(found, axis=0)

# %%

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (activation, speeds), style in zip(norms.items(), ("o-", "s--", "^-."), strict=True):
    axes.semilogy(range(1, 6), speeds, style, label=activation)
axes.set(
    xlabel="hidden layer", ylabel="norm of the gradient of the biases", xticks=range(1, 6)
)
axes.legend(frameon=False)
plt.show()
