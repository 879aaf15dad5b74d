"""Activations, costs, layers, optimizers, dropout masks and initial weights, defined in NumPy."""
