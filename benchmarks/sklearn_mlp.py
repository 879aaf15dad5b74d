"""The classifier against scikit-learn's: `python benchmarks/sklearn_mlp.py [--epochs 5] [--rounds 3]`.

`NetworkClassifier` and `MLPClassifier` are fitted to MNIST in turns, with equal parameters: hidden neurons, size of
mini-batches, learning rate, momentum, alpha and epochs; each on one processor.
"""

import argparse
import time
import warnings
from statistics import median

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from fastnet import NetworkClassifier, mnist_loader
from fastnet.comparison import timing
from fastnet.utils import machine

LEARNING_RATES = {(10, 0.0): 0.1, (10, 0.9): 0.01, (200, 0.0): 0.5, (200, 0.9): 0.1}  # by mini-batch size and momentum


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5, help="how many (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is fitted (default: %(default)s)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    training = training_data.inputs, training_data.labels(10)
    test = test_data.inputs, test_data.labels(10)
    NetworkClassifier(max_iter=1, momentum=0.9).fit(training[0][:100], training[1][:100])  # compiles
    print(f"Medians of {arguments.rounds} fits, {arguments.epochs} epochs each:\n")
    print("| hidden | mini-batch | momentum | seconds | test accuracy | MLPClassifier | its test accuracy | ratio |")
    print("| --- " * 8 + "|")
    ratios = []
    for hidden in (30, 100):
        for (batch_size, momentum), eta in LEARNING_RATES.items():
            classifiers = pair(hidden, batch_size, momentum, eta, arguments.epochs)
            with timing.limited(1):
                results = [fit(classifiers, seed, training, test) for seed in range(arguments.rounds)]
            ours, theirs, accuracy, their_accuracy = (median(each) for each in zip(*results, strict=True))
            ratios.append(theirs / ours)
            print(
                f"| {hidden} | {batch_size} | {momentum} | {ours:.2f} | {accuracy:.2%} "
                f"| {theirs:.2f} | {their_accuracy:.2%} | {ratios[-1]:.1f} |",
                flush=True,
            )
    print(f"\n{machine.sentence()}; one processor.")
    print(f"smallest ratio: {min(ratios):.1f}")


def pair(hidden: int, batch_size: int, momentum: float, eta: float, epochs: int) -> list:
    """Return a classifier of each kind, which both do not stop before so many epochs."""
    equal = {
        "hidden_layer_sizes": (hidden,),
        "activation": "relu",
        "alpha": 1e-4,
        "batch_size": batch_size,
        "learning_rate_init": eta,
        "momentum": momentum,
        "max_iter": epochs,
        "n_iter_no_change": epochs,
    }
    return [NetworkClassifier(**equal), MLPClassifier(solver="sgd", nesterovs_momentum=False, **equal)]


def fit(classifiers: list, seed: int, training: tuple, test: tuple) -> tuple[float, float, float, float]:
    """Return the seconds that each takes, and then the accuracy of each."""
    seconds, accuracies = [], []
    for classifier in classifiers:
        classifier.set_params(random_state=seed)
        time.sleep(0.3)  # libraries' threads go on waiting busily after their work
        began = time.perf_counter()
        classifier.fit(*training)
        seconds.append(time.perf_counter() - began)
        accuracies.append(float(np.mean(classifier.predict(test[0]) == test[1])))
    return (*seconds, *accuracies)


if __name__ == "__main__":
    main()
