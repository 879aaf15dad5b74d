"""Draws digits (printed, written, photographed on paper, or enlarged from MNIST), and pictures with two digits or none.

The tests and the benchmark of `fastnet.handwriting` use these pictures. No network was trained on these pictures.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# For each digit, the ways in which people write the digit. A way is a tuple of strokes. A stroke, a smooth curve, is a
# list of points (x, y) in a box that is about 0.6 wide and 1 high. The y axis points downwards.
STROKES = {
    0: [
        ([(0.33, 0.0), (0.1, 0.18), (0.03, 0.55), (0.15, 0.92), (0.33, 1.0), (0.53, 0.82), (0.58, 0.45), (0.48, 0.1),
          (0.3, 0.01)],),
        ([(0.4, 0.03), (0.15, 0.1), (0.0, 0.5), (0.12, 0.93), (0.38, 0.98), (0.6, 0.6), (0.55, 0.15), (0.33, 0.0)],),
    ],
    1: [
        ([(0.3, 0.0), (0.3, 1.0)],),
        ([(0.08, 0.28), (0.34, 0.0)], [(0.34, 0.0), (0.34, 1.0)]),
    ],
    2: [
        ([(0.05, 0.25), (0.15, 0.06), (0.34, 0.0), (0.54, 0.1), (0.56, 0.32), (0.38, 0.6), (0.04, 1.0)],
         [(0.04, 1.0), (0.6, 0.98)]),
        ([(0.04, 0.2), (0.2, 0.02), (0.45, 0.05), (0.52, 0.3), (0.32, 0.65), (0.1, 0.93), (0.06, 0.86), (0.2, 0.82),
          (0.4, 0.95), (0.62, 0.93)],),
    ],
    3: [
        ([(0.06, 0.12), (0.26, 0.0), (0.5, 0.1), (0.48, 0.34), (0.24, 0.46)],
         [(0.24, 0.46), (0.5, 0.54), (0.58, 0.76), (0.38, 0.98), (0.04, 0.9)]),
        ([(0.06, 0.02), (0.55, 0.0)], [(0.55, 0.0), (0.28, 0.4)],
         [(0.28, 0.4), (0.54, 0.5), (0.56, 0.78), (0.34, 1.0), (0.04, 0.92)]),
    ],
    4: [
        ([(0.14, 0.0), (0.04, 0.56)], [(0.04, 0.56), (0.6, 0.54)], [(0.46, 0.12), (0.42, 1.0)]),
        ([(0.42, 1.0), (0.44, 0.0)], [(0.44, 0.0), (0.02, 0.66)], [(0.02, 0.66), (0.62, 0.66)]),
    ],
    5: [
        ([(0.52, 0.0), (0.12, 0.02)], [(0.12, 0.02), (0.08, 0.42)],
         [(0.08, 0.42), (0.32, 0.36), (0.56, 0.56), (0.5, 0.88), (0.24, 1.0), (0.02, 0.9)]),
        ([(0.14, 0.06), (0.1, 0.44)], [(0.1, 0.44), (0.36, 0.4), (0.54, 0.62), (0.44, 0.92), (0.2, 1.0), (0.02, 0.92)],
         [(0.16, 0.03), (0.56, 0.0)]),
    ],
    6: [
        ([(0.48, 0.02), (0.22, 0.24), (0.05, 0.66), (0.2, 0.97), (0.46, 0.94), (0.55, 0.72), (0.36, 0.54),
          (0.08, 0.7)],),
        ([(0.36, 0.0), (0.12, 0.36), (0.06, 0.76), (0.26, 1.0), (0.52, 0.86), (0.5, 0.62), (0.28, 0.56),
          (0.1, 0.72)],),
    ],
    7: [
        ([(0.02, 0.04), (0.6, 0.0)], [(0.6, 0.0), (0.24, 1.0)]),
        ([(0.02, 0.03), (0.58, 0.02)], [(0.58, 0.02), (0.36, 0.4), (0.26, 1.0)], [(0.16, 0.5), (0.5, 0.48)]),
    ],
    8: [
        ([(0.5, 0.14), (0.3, 0.0), (0.1, 0.14), (0.2, 0.38), (0.46, 0.6), (0.52, 0.84), (0.3, 1.0), (0.06, 0.84),
          (0.16, 0.6), (0.42, 0.38), (0.5, 0.13)],),
        ([(0.3, 0.46), (0.12, 0.26), (0.28, 0.0), (0.48, 0.2), (0.3, 0.46)],
         [(0.3, 0.46), (0.04, 0.74), (0.28, 1.0), (0.56, 0.76), (0.3, 0.46)]),
    ],
    9: [
        ([(0.52, 0.18), (0.3, 0.0), (0.08, 0.2), (0.2, 0.46), (0.44, 0.4), (0.53, 0.16)],
         [(0.53, 0.16), (0.5, 0.6), (0.4, 1.0)]),
        ([(0.5, 0.14), (0.26, 0.02), (0.06, 0.26), (0.24, 0.48), (0.48, 0.34), (0.54, 0.1), (0.54, 0.6), (0.4, 0.94),
          (0.1, 0.96)],),
    ],
}  # fmt: skip


def typed(digit: int, font: ImageFont.FreeTypeFont, *, dark: int = 0, light: int = 255) -> Image.Image:
    """Return a printed digit, dark on light."""
    image = Image.new("L", (2 * int(font.size), 2 * int(font.size)), light)
    ImageDraw.Draw(image).text((int(0.6 * font.size), int(0.4 * font.size)), str(digit), fill=dark, font=font)
    return image


def fonts(size: int = 100) -> dict[str, ImageFont.FreeTypeFont]:
    """Return Pillow's own font and matplotlib's fonts, by name."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold",
             "DejaVuSerif-Italic", "DejaVuSansMono", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "cmr10",
             "cmss10", "cmtt10", "cmb10"]  # fmt: skip
    found = {name: ImageFont.truetype(str(folder / f"{name}.ttf"), size) for name in names}
    return {"Pillow": ImageFont.load_default(size), **found}


def written(digit: int, random: np.random.Generator, *, side: int = 240, pen: float | None = None) -> Image.Image:
    """Return a digit in black on white, like handwriting: its points, slant, rotation, size and position are random."""
    strokes = STROKES[digit][random.integers(len(STROKES[digit]))]
    height = side * random.uniform(0.4, 0.75)
    slant, turn = random.uniform(-0.1, 0.25), np.radians(random.uniform(-8, 8))
    stretch = random.uniform(0.85, 1.2)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[stretch, -slant], [0, 1]]
    pen = side * (random.uniform(0.015, 0.05) if pen is None else pen)
    place = np.array([side / 2, side / 2]) + random.uniform(-0.08, 0.08, 2) * side
    fine = 4  # factor of supersampling, for smooth edges
    image = Image.new("L", (fine * side, fine * side), 255)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = _smooth(np.array(stroke) + random.normal(0, 0.015, (len(stroke), 2)))
        points = ((points - [0.3, 0.5]) @ matrix.T * height + place) * fine
        for x, y in points:
            draw.ellipse([x - fine * pen / 2, y - fine * pen / 2, x + fine * pen / 2, y + fine * pen / 2], fill=0)
    return image.resize((side, side), Image.Resampling.BOX)


def _smooth(points: np.ndarray, steps: int = 60) -> np.ndarray:
    """Return many points on a Catmull-Rom spline through the given points."""
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.concatenate([[before], points, [after]])
    t = np.linspace(0, 1, steps)[:, np.newaxis]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(parts)


INKS = [(30, 30, 40), (30, 50, 140), (150, 30, 40), (20, 90, 60)]  # RGB colours of pens: black, blue, red, green


def photographed(digit: int, random: np.random.Generator, *, height: int = 600, width: int = 450) -> Image.Image:
    """Return a digit written with a pen on paper and photographed: uneven light, blur, noise, JPEG."""
    ink = written(digit, random, side=width, pen=random.uniform(0.01, 0.03))
    cover = np.zeros((height, width, 1))
    top = random.integers(0, height - width + 1)
    cover[top : top + width, :, 0] = 1 - np.asarray(ink) / 255
    paper = np.array([random.uniform(200, 250)] * 3) - [0, random.uniform(0, 10), random.uniform(0, 30)]
    pen = np.array(INKS[random.integers(len(INKS))])
    picture = paper * (1 - cover) + pen * cover
    picture *= _light(height, width, random)[:, :, np.newaxis]
    picture = np.asarray(Image.fromarray(picture.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1)))
    noisy = picture + random.normal(0, random.uniform(2, 7), picture.shape)
    return jpeg(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), int(random.integers(50, 90)))


def _light(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Return the light on each pixel: it comes from one side, is weaker in the corners, and has a soft shadow."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    angle = random.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    corners = 1 - random.uniform(0, 0.15) * (x * x + y * y)
    shadow = 1 - random.uniform(0, 0.25) / (1 + np.exp(-8 * (along - random.uniform(0.3, 0.9))))
    return (0.85 + random.uniform(0, 0.15) * along) * corners * shadow


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Return an image after JPEG compression."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def enlarged(pixels: np.ndarray, random: np.random.Generator) -> Image.Image:
    """Return an enlarged MNIST image, dark on light, at a random position on a larger background."""
    side = int(random.integers(60, 200))
    digit = Image.fromarray((255 - 255 * pixels.reshape(28, 28)).astype(np.uint8))
    digit = digit.resize((side, side), Image.Resampling.BICUBIC)
    image = Image.new("L", (side + int(random.integers(0, 150)), side + int(random.integers(0, 150))), 255)
    image.paste(digit, tuple(int(random.integers(0, a - side + 1)) for a in image.size))
    return image


def two(first: int, second: int, random: np.random.Generator, *, gap: float = 0.05) -> Image.Image:
    """Return two digits side by side.

    The distance between the digits is `gap` times their height; a negative `gap` makes the digits touch.
    """
    pictures = [written(digit, random, pen=0.03) for digit in (first, second)]
    boxes = [picture.point(lambda value: 255 - value).getbbox() for picture in pictures]
    crops = [picture.crop(box) for picture, box in zip(pictures, boxes, strict=True)]
    height = min(crop.height for crop in crops)
    crops = [crop.resize((max(1, crop.width * height // crop.height), height)) for crop in crops]
    image = Image.new("L", (sum(crop.width for crop in crops) + 2 * height, 2 * height), 255)
    image.paste(crops[0], (height // 2, height // 2))
    darker = np.array(image)
    left = height // 2 + crops[0].width + round(gap * height)
    part = darker[height // 2 : height // 2 + height, left : left + crops[1].width]
    np.minimum(part, np.asarray(crops[1]), out=part)
    return Image.fromarray(darker)


def texture(random: np.random.Generator, *, side: int = 300, falloff: float = 1.0) -> Image.Image:
    """Return noise with the amplitude spectrum 1 / f**falloff. Natural pictures have a falloff of about 1."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequencies[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(size=(side, side))) / frequencies**falloff
    spectrum[0, 0] = 0
    noise = np.fft.ifft2(spectrum).real
    return Image.fromarray((128 + 50 * noise / noise.std()).clip(0, 255).astype(np.uint8))


def scene(random: np.random.Generator, *, width: int = 400, height: int = 300) -> Image.Image:
    """Return a drawn landscape with sky, hills, a sun, houses, trees and noise."""
    y, x = np.mgrid[:height, :width] / height
    sky = 150 + 80 * y
    hills = 0.55 + 0.08 * np.sin(random.uniform(3, 8) * x + random.uniform(0, 6)) + 0.04 * np.sin(13 * x)
    land = 60 + 70 * np.sin(random.uniform(5, 15) * (x + y)) ** 2
    image = Image.fromarray(np.where(y < hills, sky, land).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(3, 8))):
        left, foot = random.uniform(0, width - 60), random.uniform(0.6, 0.95) * height
        size = random.uniform(20, 60)
        draw.rectangle([left, foot - size, left + size, foot], fill=int(random.integers(20, 240)))
        draw.polygon(
            [(left - 5, foot - size), (left + size / 2, foot - 1.7 * size), (left + size + 5, foot - size)],
            fill=int(random.integers(20, 240)),
        )
        draw.ellipse(
            [left + size, foot - 2 * size, left + 2 * size, foot - size / 2], fill=int(random.integers(20, 120))
        )
    sun = random.uniform(20, width - 20)
    draw.ellipse([sun - 18, 20, sun + 18, 56], fill=250)
    return Image.fromarray((np.asarray(image) + random.normal(0, 6, (height, width))).clip(0, 255).astype(np.uint8))
