"""
Overfitting, L2 regularization and dropout
==========================================

A network that is trained on 1,000 samples for many epochs overfits: the cost on the training data falls, and the cost
on the test data rises. The book's chapter 3 names two remedies, L2 regularization and dropout.
"""

import matplotlib.pyplot as plt

from fastnet import mnist_loader, network2

plt.style.use("tableau-colorblind10")
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()

# %%
# Each of the three networks begins with the same parameters. ``SGD`` returns the monitored values, one an epoch.

remedies = {"no regularization": {}, "L2, lmbda 1": {"lmbda": 1.0}, "dropout 0.3": {"dropout": 0.3}}
costs, accuracies = {}, {}
for name, remedy in remedies.items():
    net = network2.Network([784, 50, 10], seed=1)
    costs[name], correct, _, _ = net.SGD(
        training_data[:1000],
        100,
        10,
        0.3,
        evaluation_data=test_data,
        monitor_evaluation_cost=True,
        monitor_evaluation_accuracy=True,
        report=lambda history: None,
        **remedy,
    )
    accuracies[name] = [100 * each / len(test_data) for each in correct]

# %%
# The cost on the test data includes the term of L2 regularization. The accuracy does not depend on that term.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for name, style in zip(remedies, ("-", "--", "-."), strict=True):
    left.plot(range(1, 101), costs[name], style, label=name)
    right.plot(range(1, 101), accuracies[name], style, label=name)
left.set(xlabel="epoch", ylabel="cost on the test data", ylim=(0, None))
right.set(xlabel="epoch", ylabel="test accuracy in %", ylim=(80, 92))
right.legend(frameon=False, loc="lower right")
plt.show()
