"""Damage JSON, damage parts of a file and correct its checksums, or enlarge a file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

from .formats import Format

_VALUES = (
    None, True, False, 0, 1, -1, 2, 7, 255, 2**31, 2**63, 10**30, 10**400, 0.5, -0.0, 1e-320, 1e39, 1e300, math.nan,
    math.inf, -math.inf, "", "a", "0.5", "float32", "float64", "F32", "F64", "I64", "U32", "sigmoid", "tanh", "relu",
    "ReLU", "linear", "SoftmaxLayer", "Convolution", "MaxPooling", "same", "QuadraticCost", "CrossEntropyCost",
    "LogLikelihoodCost", "\ud800", "a\nb\x1b[2J",
    "x" * 500, [], {}, [[]], [0], {"": 0}, [0.5] * 40, ["a"], [[1, 2], [3]],
)  # fmt: skip
_ENLARGED_BY = 1 << 20  # approximate number of bytes by which a file is enlarged
_DEEP = 2000


def damaged(contents: bytes, shape: Format | None, random: Random, mutate: Callable[[bytes], bytes]) -> bytes:
    """Return a randomly damaged file. If a format is given, checksums are corrected with probability 0.7.

    Parameters
    ----------
    contents : bytes
        Contents of the file.
    shape : Format or None
        Format that takes the file apart; None if the file is damaged as a whole.
    random : Random
        Random generator.
    mutate : function
        Function that changes bytes without regard to their format.
    """
    if shape is not None and random.random() < 0.7:
        try:
            parts = shape.apart(contents)
        except Exception:  # earlier damage is too great to take the file apart
            parts = []
        if not parts:
            return mutate(contents)
        for _ in range(random.choice((1, 1, 1, 2))):
            place = random.randrange(len(parts))
            parts[place] = _damaged_part(parts[place], random, mutate)
        return shape.together(parts)
    return mutate(contents)


def _damaged_part(part: bytes, random: Random, mutate: Callable[[bytes], bytes]) -> bytes:
    if part[:1] in (b"{", b"[") and random.random() < 0.7:
        try:
            return damaged_json(part, random)
        except (ValueError, RecursionError):
            pass
    return mutate(part)


def damaged_json(text: bytes, random: Random) -> bytes:
    """Return JSON with one value replaced, removed, duplicated or wrapped."""
    root = [json.loads(text)]
    spots = list(_spots(root))
    container, key = random.choice(spots)
    value = container[key]
    action = random.randrange(6)
    if action == 0 and container is not root:
        del container[key]
    elif action == 1:
        other, name = random.choice(spots)
        container[key] = json.loads(json.dumps(other[name]))  # a copy, because a value must not contain itself
    elif action == 2:
        container[key] = [value]
    elif action == 3 and isinstance(container, list) and container is not root:
        container.insert(key, value)
    elif action == 4 and isinstance(value, (int, float)) and abs(value) < 1e9:
        container[key] = value + random.choice((-1, 1, 0.5, 1e9))
    elif action == 5 and random.random() < 0.02:
        return json.dumps(root[0]).encode().replace(b"0", b"[" * _DEEP + b"]" * _DEEP, 1)
    else:
        container[key] = random.choice(_VALUES)
    return json.dumps(root[0]).encode()


def _spots(value: Any) -> Any:
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _spots(value[key])


def enlarged(contents: bytes, shape: Format | None, random: Random) -> bytes:
    """Return the file with one piece repeated, which adds about a megabyte."""

    def enlarge(part: bytes) -> bytes:
        start = random.randint(0, len(part))
        end = random.randint(start, min(len(part), start + random.choice((1, 4, 16, 64, 4096))))
        return part[:end] + part[start:end] * (_ENLARGED_BY // max(end - start, 1)) + part[end:]

    try:
        parts = [] if shape is None else shape.apart(contents)
    except Exception:  # earlier damage is too great to take the file apart
        parts = []
    if shape is None or not parts:
        return enlarge(contents)
    place = random.randrange(len(parts))
    parts[place] = enlarge(parts[place])
    return shape.together(parts)
