"""Test `fastnet predict` on pictures that are not in MNIST: `python benchmarks/handwriting.py [--sets 20]`.

The default network is trained and timed. A picture is named if the prediction is sure. For each style of digits, the
table has the share of digits that are named, and the share of named digits that are right. Some styles have frames,
ruled lines, edges or specks around the digits. For pictures with two digits or none, the table has the share that is
named. A second table has the accuracy by predicted probability.
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
from PIL import Image, ImageDraw

from fastnet import handwriting, mnist_loader
from fastnet.handwriting import training
from fastnet.handwriting.prediction import SURE
from fastnet.utils import machine

Labelled: TypeAlias = tuple[int, Image.Image]
OF_MNIST = 1000
BOUNDS = (0.5, 0.7, 0.9, 0.99, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=20, help="number of sets of digits (default: %(default)s)")
    sets = parser.parse_args().sets
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        net = training.train()
        seconds.append(time.perf_counter() - began)
    _, _, test_data = mnist_loader.load_data_wrapper()
    original = net.accuracy(test_data[:OF_MNIST]) / OF_MNIST
    print(f"Trained in {median(seconds[1:]):.1f} s. Test accuracy {net.accuracy(test_data) / len(test_data):.2%};")
    print(f"on the first {OF_MNIST} images {original:.1%}. In the table, these are enlarged and prepared again.\n")
    print("| pictures | how many | most probable is right | named | of these right |\n| --- | --- | --- | --- | --- |")
    answers = []
    for style, pictures in styles(sets, test_data).items():
        found = [(label, handwriting.predict(net, np.asarray(image))) for label, image in pictures]
        right = np.array([label == prediction.probabilities.argmax() for label, prediction in found])
        named = np.array([prediction.digit is not None for _, prediction in found])
        known = next(iter(found))[0] >= 0
        rights = f"{right[named].mean():.1%}" if named.any() else ""
        most = f"{right.mean():.1%}" if known else ""
        print(
            f"| {style} | {len(found)} | {most} | {named.mean():.1%} | {rights if known else ''} |",
            flush=True,
        )
        if style in STYLES:
            answers += [
                (prediction.probabilities.max(), prediction.probabilities.argmax() == label)
                for label, prediction in found
            ]
    print(f"\nA digit is named if its probability is above {SURE:.0%}. Accuracy by probability, over all styles:\n")
    print("| sure | digits | right |\n| --- | --- | --- |")
    largest, right = (np.array(values) for values in zip(*answers, strict=True))
    for low, high in pairwise(BOUNDS):
        between = (largest > low) & (largest <= high)
        print(f"| {low:.0%} to {high:.0%} | {between.sum()} | {right[between].mean():.1%} |")
    print(f"\n{machine.sentence()}.")


STYLES = ("set in type", "written", "photographed", "MNIST's, enlarged")


def styles(sets: int, test_data: Iterable) -> dict[str, Iterator[Labelled]]:
    """Return the pictures of each style with their labels. The label of a picture with two digits or none is -1."""
    random, others = np.random.default_rng(2024), np.random.default_rng(7)
    digits = [digit for _ in range(sets) for digit in range(10)]
    return {
        "set in type": ((digit, drawn.typed(digit, font)) for font in drawn.fonts().values() for digit in range(10)),
        "written": ((digit, drawn.written(digit, random)) for digit in digits),
        "photographed": ((digit, drawn.photographed(digit, random)) for digit in digits),
        "MNIST's, enlarged": ((int(y), drawn.enlarged(x, random)) for x, y in test_data[:OF_MNIST]),
        **{kind: surrounded(kind, digits, np.random.default_rng(7)) for kind in AROUND},
        "two digits, apart": no_digit(drawn.two(*random.integers(0, 10, 2), random, gap=0.05) for _ in digits),
        "two digits that touch": no_digit(
            drawn.two(*random.integers(0, 10, 2), random, gap=-random.uniform(0.02, 0.12)) for _ in digits
        ),
        "drawn scenes": no_digit(drawn.scene(random) for _ in digits),
        "noise as in nature": no_digit(drawn.texture(random, falloff=random.uniform(0.8, 2)) for _ in digits),
        "parts of photographs": no_digit(parts(len(digits), random)),
        "specks on an empty page": no_digit(specks(Image.new("L", (240, 240), 247), others) for _ in digits),
    }


def surrounded(kind: str, digits: list[int], random: np.random.Generator) -> Iterator[Labelled]:
    """Yield written digits with the surroundings of a kind in `AROUND`, about half of them on unevenly lit paper."""
    for digit in digits:
        image = AROUND[kind](drawn.written(digit, random), random)
        yield digit, on_paper(image, random) if random.random() < 0.5 else image


def framed(image: Image.Image, random: np.random.Generator, gaps: tuple[int, int] = (5, 40)) -> Image.Image:
    """Return a digit with lines on one to four sides.

    The lines end at the corners of the frame, 40 pixels beyond the corners, or at the border of the picture.
    """
    left, top, right, bottom = box(image)
    before, above, after, below = random.integers(*gaps, 4)
    left, top, right, bottom = left - before, top - above, right + after, bottom + below
    more = int(random.choice([0, 0, 40, 300]))
    lines = [
        (left, top - more, left, bottom + more),
        (left - more, top, right + more, top),
        (right, top - more, right, bottom + more),
        (left - more, bottom, right + more, bottom),
    ]
    return with_lines(image, random, [lines[side] for side in random.permutation(4)[: random.integers(1, 5)]])


def touched(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return framed(image, random, (-5, 3))


def ruled(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a digit on dark or light ruled lines."""
    step, first = random.integers(25, 110), random.integers(-100, 0)
    lines = [(-50, y, image.width + 50, y) for y in range(first, image.height + 50, step)]
    return with_lines(image, random, lines, lightest=225)


def with_edges(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a digit on a scan with dark edges, which are wedges with a width of at most ten pixels."""
    edges, draw = blank(image)
    for side in random.permutation(4)[: random.integers(1, 5)]:
        start, first, last = random.choice([0, 100]), random.integers(1, 6), random.integers(1, 11)
        draw.polygon(
            [(start, 0), (image.width, 0), (image.width, last), (start, first)], fill=int(random.integers(130))
        )
        edges = edges.rotate(90 * int(side))
        draw = ImageDraw.Draw(edges)
    return darker(image, edges)


def specks(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a picture with 1 to 25 specks, which are ellipses 1 to 9 pixels wide and high."""
    dirt, draw = blank(image)
    for _ in range(random.integers(1, 26)):
        x, y, height, width = (*random.integers(0, 240, 2), *random.uniform(1, 9, 2))
        draw.ellipse((x, y, x + width, y + height), fill=int(random.integers(130)))
    return darker(image, dirt)


AROUND = {
    "beside or in frames": framed,
    "touched by frames": touched,
    "on ruled lines": ruled,
    "on a scan with edges": with_edges,
    "between specks": specks,
}


def with_lines(
    image: Image.Image, random: np.random.Generator, lines: list[tuple[int, ...]], lightest: int = 130
) -> Image.Image:
    """Return a picture with lines 1 to 4 pixels wide. In about half of the pictures, the lines are slightly rotated."""
    layer, draw = blank(image)
    grey, width, degrees = int(random.integers(lightest)), int(random.integers(1, 5)), random.uniform(-2.5, 2.5)
    for line in lines:
        draw.line([int(place) for place in line], fill=grey, width=width)
    if random.random() < 0.5:
        layer = layer.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    return darker(image, layer)


def on_paper(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a picture with the uneven light and the noise of a photograph."""
    light = drawn._light(image.height, image.width, random)
    grey = (40 + np.asarray(image) * random.uniform(0.6, 0.8)) * light + random.normal(0, 3, light.shape)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def box(image: Image.Image) -> tuple[int, int, int, int]:
    return image.point(lambda value: 255 * (value < 128)).getbbox()


def blank(image: Image.Image) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    layer = Image.new("L", image.size, 255)
    return layer, ImageDraw.Draw(layer)


def darker(first: Image.Image, second: Image.Image) -> Image.Image:
    return Image.fromarray(np.minimum(np.asarray(first), np.asarray(second)))


def no_digit(images: Iterable[Image.Image]) -> Iterator[Labelled]:
    return ((-1, image) for image in images)


def parts(n: int, random: np.random.Generator) -> Iterator[Image.Image]:
    """Yield square crops of scikit-learn's two photographs, from 40 pixels to the whole height."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    for _ in range(n):
        photograph = photographs[random.integers(len(photographs))]
        side = int(np.exp(random.uniform(np.log(40), np.log(min(photograph.shape[:2])))))
        top, left = (int(random.integers(0, length - side + 1)) for length in photograph.shape[:2])
        yield Image.fromarray(photograph[top : top + side, left : left + side])


if __name__ == "__main__":
    main()
