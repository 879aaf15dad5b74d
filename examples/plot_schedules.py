"""
Learning rate schedules
=======================

A schedule lowers the learning rate during training. With a large rate at the
beginning, a network learns fast. A small rate at the end makes the last steps precise.
"""

import matplotlib.pyplot as plt

from fastnet import Cosine, Geometric, Steps, mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
data = training_data[:20000]

# %%
# Without a schedule, the learning rate is constant.

schedules = {
    "constant": None,
    "Geometric": Geometric(),
    "Cosine": Cosine(),
    "Steps": Steps(),
}
watched = {"evaluation_data": validation_data, "monitor_evaluation_accuracy": True}
histories = {}
for name, schedule in schedules.items():
    net = network2.Network(
        [784, 50, 10], network2.LogLikelihoodCost, activation="relu", seed=1
    )
    net.SGD(data, 12, 10, 0.2, schedule=schedule, report=lambda history: None, **watched)
    histories[name] = net.history

# %%
# ``net.history`` has the learning rate and the accuracy of each epoch.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for (name, history), style in zip(
    histories.items(), ("o-", "s--", "^-.", "d:"), strict=True
):
    left.plot(range(1, 13), history.series("eta"), style, label=name)
    accuracies = [n / 100 for n in history.series("evaluation_accuracy")]
    right.plot(range(1, 13), accuracies, style, label=name)
left.set(xlabel="epoch", ylabel="learning rate")
right.set(xlabel="epoch", ylabel="validation accuracy in %")
right.legend(frameon=False, loc="lower right")
plt.show()
