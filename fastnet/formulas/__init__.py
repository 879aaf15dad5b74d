"""What things are, in NumPy: activations, costs, layers, optimizers, dropout masks, initial weights."""
