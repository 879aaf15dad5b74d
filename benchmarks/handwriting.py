"""How `fastnet predict` does on digits that are not MNIST's: `python benchmarks/handwriting.py [--sets 20]`.

With the network that it trains itself: how many digits of each style it names, and how many of these are right; how
often it names something in pictures of no digit; how right it is for how sure; and how long that takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from typing import TypeAlias

import drawn
import numpy as np
from PIL import Image

from fastnet import handwriting, mnist_loader
from fastnet.handwriting.judging import SURE
from fastnet.utils import machine

Labelled: TypeAlias = tuple[int, Image.Image]
OF_MNIST = 1000
BOUNDS = (0.5, 0.7, 0.9, 0.99, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=20, help="of ten digits, a style (default: %(default)s)")
    sets = parser.parse_args().sets
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        net = handwriting.default_network()
        seconds.append(time.perf_counter() - began)
    _, _, test_data = mnist_loader.load_data_wrapper()
    original = net.accuracy(test_data[:OF_MNIST]) / OF_MNIST
    print(f"Trained in {median(seconds[1:]):.1f} s. Test accuracy {net.accuracy(test_data) / len(test_data):.2%};")
    print(f"of the first {OF_MNIST} as MNIST has them {original:.1%}, enlarged and prepared again: below.\n")
    print("| pictures | how many | most probable is right | named | of these right |\n| --- | --- | --- | --- | --- |")
    answers = []
    for style, pictures in styles(sets, test_data).items():
        found = [(label, handwriting.predict(net, np.asarray(image))) for label, image in pictures]
        right = np.array([label == prediction.probabilities.argmax() for label, prediction in found])
        named = np.array([prediction.digit is not None for _, prediction in found])
        rights = f"{right[named].mean():.1%}" if named.any() else ""
        most = f"{right.mean():.1%}" if style in STYLES else ""
        print(
            f"| {style} | {len(found)} | {most} | {named.mean():.1%} | {rights if style in STYLES else ''} |",
            flush=True,
        )
        if style in STYLES:
            answers += [
                (prediction.probabilities.max(), prediction.probabilities.argmax() == label)
                for label, prediction in found
            ]
    print(f"\nA digit is named from {SURE:.0%}. How sure, and how many of these digits are right, of all styles:\n")
    print("| sure | digits | right |\n| --- | --- | --- |")
    largest, right = (np.array(values) for values in zip(*answers, strict=True))
    for low, high in pairwise(BOUNDS):
        between = (largest > low) & (largest <= high)
        print(f"| {low:.0%} to {high:.0%} | {between.sum()} | {right[between].mean():.1%} |")
    print(f"\n{machine.sentence()}.")


STYLES = ("set in type", "written", "photographed", "MNIST's, enlarged")


def styles(sets: int, test_data: Iterable) -> dict[str, Iterator[Labelled]]:
    """Return the pictures of each style; -1 is no digit."""
    random = np.random.default_rng(2024)
    digits = [digit for _ in range(sets) for digit in range(10)]
    return {
        "set in type": ((digit, drawn.typed(digit, font)) for font in drawn.fonts().values() for digit in range(10)),
        "written": ((digit, drawn.written(digit, random)) for digit in digits),
        "photographed": ((digit, drawn.photographed(digit, random)) for digit in digits),
        "MNIST's, enlarged": ((int(y), drawn.enlarged(x, random)) for x, y in test_data[:OF_MNIST]),
        "two digits, apart": no_digit(drawn.two(*random.integers(0, 10, 2), random, gap=0.05) for _ in digits),
        "two digits that touch": no_digit(
            drawn.two(*random.integers(0, 10, 2), random, gap=-random.uniform(0.02, 0.12)) for _ in digits
        ),
        "drawn scenes": no_digit(drawn.scene(random) for _ in digits),
        "noise as in nature": no_digit(drawn.texture(random, falloff=random.uniform(0.8, 2)) for _ in digits),
        "parts of photographs": no_digit(parts(len(digits), random)),
    }


def no_digit(images: Iterable[Image.Image]) -> Iterator[Labelled]:
    return ((-1, image) for image in images)


def parts(n: int, random: np.random.Generator) -> Iterator[Image.Image]:
    """Return squares of scikit-learn's two photographs, large and small."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    for _ in range(n):
        photograph = photographs[random.integers(len(photographs))]
        side = int(np.exp(random.uniform(np.log(40), np.log(min(photograph.shape[:2])))))
        top, left = (int(random.integers(0, length - side + 1)) for length in photograph.shape[:2])
        yield Image.fromarray(photograph[top : top + side, left : left + side])


if __name__ == "__main__":
    main()
