"""Chapter 4: a visual proof that neural nets can compute any function."""

EXPERIMENTS: tuple[str, ...] = ("step_neuron", "bumps", "one_input", "two_inputs", "other_activations")
