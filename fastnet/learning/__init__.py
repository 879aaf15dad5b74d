"""Training of all networks: the loop, schedules, diagnostics, history and checkpoints."""
