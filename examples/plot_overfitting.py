"""
Overfitting, L2 regularization and dropout
==========================================

A network that is trained on 1,000 samples for many epochs overfits: the cost on the
training data falls, and the cost on the test data rises. L2 regularization and dropout
are two of the remedies in the book's chapter 3.
"""

import matplotlib.pyplot as plt

from fastnet import mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
few = training_data[:1000]

# %%
# All three networks begin with the same parameters. ``SGD`` returns the monitored values,
# one per epoch.

remedies = {
    "no regularization": {},
    "L2, lmbda 1": {"lmbda": 1.0},
    "dropout 0.5": {"dropout": 0.5},
}
watched = {
    "evaluation_data": test_data[:2000],
    "monitor_evaluation_cost": True,
    "monitor_training_cost": True,
}
on_training_data, on_test_data = {}, {}
for name, remedy in remedies.items():
    net = network2.Network([784, 50, 10], seed=1)
    found = net.SGD(few, 60, 10, 0.5, report=lambda history: None, **watched, **remedy)
    on_test_data[name], _, on_training_data[name], _ = found

# %%
# Without regularization, the cost on the test data soon rises. Dropout delays the rise.
# L2 regularization prevents the rise. Costs with L2 regularization include the
# regularization term.

figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True, layout="constrained")
for axes, costs, data in zip(
    panels, (on_training_data, on_test_data), ("training", "test"), strict=True
):
    for (name, values), style in zip(costs.items(), ("-", "--", "-."), strict=True):
        axes.plot(range(1, 61), values, style, label=name)
    axes.set(xlabel="epoch", ylabel="cost", ylim=(0, 1.5), title=f"{data} data")
panels[0].legend(frameon=False)
plt.show()
