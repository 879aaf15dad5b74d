"""
Cost functions and slow learning
================================

With the quadratic cost, a sigmoid neuron learns slowly while its output is badly wrong.
With the cross-entropy cost, a larger error makes the neuron learn faster. The book's
chapter 3 begins with this experiment.
"""

from fastnet import book

# %%
# ``fastnet.book`` has the experiment. The printed result shows the book's values beside
# the computed values.

result = book.saturation()
print(result)

# %%
# One neuron learns to answer the input 1 with the output 0. It has two different starts,
# each with its own initial weight and bias.

figure = result.draw()
