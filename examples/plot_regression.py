"""
Regression with quantiles
=========================

``MLPRegressor`` has scikit-learn's interface. With the loss ``"quantile"``, the network
estimates a quantile of the targets for each input. Two quantiles make an interval that
contains a given share of the targets.
"""

import matplotlib.pyplot as plt
import numpy as np

from fastnet.neural_network import MLPRegressor

plt.style.use("tableau-colorblind10")
random = np.random.default_rng(0)
x = random.uniform(-3, 3, (1000, 1))
y = np.sin(1.5 * x[:, 0]) + random.normal(0, 0.1 + 0.1 * np.abs(x[:, 0]))

# %%
# Three networks find the median and the quantiles 0.1 and 0.9.

grid = np.linspace(-3, 3, 200)[:, np.newaxis]
curves = {}
for quantile in (0.1, 0.5, 0.9):
    regressor = MLPRegressor(
        "quantile",
        (50,),
        quantile=quantile,
        activation="tanh",
        learning_rate_init=0.01,
        batch_size=50,
        max_iter=200,
        random_state=0,
    ).fit(x, y)
    curves[quantile] = regressor.predict(grid)
    share = np.mean(y < regressor.predict(x))
    print(f"{share:.1%} of the targets are below the quantile {quantile}")

# %%

figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
axes.scatter(x, y, s=6, color="C2", label="samples")
axes.fill_between(
    grid[:, 0], curves[0.1], curves[0.9], color="C0", alpha=0.3, label="from 0.1 to 0.9"
)
axes.plot(grid, curves[0.5], color="C0", label="median")
axes.set(xlabel="input", ylabel="target")
axes.legend(frameon=False, loc="lower left")
plt.show()
