"""
Momentum, RMSProp and Adam
==========================

An optimizer computes each change of the parameters from the gradient. Here, four
optimizers train the same network from the same initial parameters.
"""

import matplotlib.pyplot as plt

from fastnet import Adam, GradientDescent, RMSProp, mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
data = training_data[:20000]

# %%
# Each optimizer has its own learning rate. RMSProp and Adam divide the change by the root
# of the gradient's running mean square, and so need a smaller learning rate.

optimizers = {
    "gradient descent, eta 0.05": (GradientDescent(), 0.05),
    "momentum 0.9, eta 0.05": (GradientDescent(momentum=0.9), 0.05),
    "RMSProp, eta 0.001": (RMSProp(), 0.001),
    "Adam, eta 0.001": (Adam(), 0.001),
}
watched = {"monitor_mini_batch_cost": True, "report": lambda history: None}
histories = {}
for name, (optimizer, eta) in optimizers.items():
    net = network2.Network(
        [784, 30, 10], network2.LogLikelihoodCost, activation="relu", seed=1
    )
    net.SGD(data, 10, 50, eta, optimizer=optimizer, **watched)
    histories[name] = net.history

# %%
# ``monitor_mini_batch_cost`` keeps the mean cost of the mini-batches, which training
# computes anyway.

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, history), style in zip(
    histories.items(), ("o-", "s--", "^-.", "d:"), strict=True
):
    axes.plot(range(1, 11), history.series("mini_batch_cost"), style, label=name)
axes.set(xlabel="epoch", ylabel="mean cost of the mini-batches", ylim=(0, None))
axes.legend(frameon=False)
plt.show()
