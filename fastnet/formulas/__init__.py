"""Definitions, in NumPy, of activations, costs, layers, optimizers, dropout masks and initial weights."""
