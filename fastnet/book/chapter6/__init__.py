"""Chapter 6: deep learning."""

EXPERIMENTS = (
    "filters",
    "feature_maps",
    "convolutions",
    "relu",
    "regularization_strength",
    "expanded_data",
    "expanded_units",
    "two_fully_connected",
    "dropout",
    "ensemble",
)
