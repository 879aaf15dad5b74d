"""Chapter 3: improving the way neural networks learn."""

EXPERIMENTS = (
    "saturation",
    "cross_entropy",
    "overfitting",
    "overfitting_full",
    "regularized",
    "regularized_full",
    "regularized_100",
    "more_data",
    "weight_initialization",
    "initial_distribution",
    "multiple_eta",
    "early_stopping",
    "schedules",
    "random_search",
    "momentum",
    "activations",
)
