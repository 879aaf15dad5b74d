"""Damaged files are read with a `MonitoredReader`. `python -m tests.fuzz` gives every reader a million files."""

from random import Random

import pytest
from fuzz import damage
from fuzz.monitored_reader import MonitoredReader
from fuzz.readers import READERS
from hypothesis import given, settings
from hypothesis import strategies as st


def seeds_of(select):
    return [
        pytest.param(name, seed, id=f"{name}-{seed.name}")
        for name, reader in READERS.items()
        for seed in reader.seeds()
        if select(reader, seed)
    ]


WHOLE = seeds_of(lambda reader, seed: seed in reader.whole())
REFUSED = seeds_of(lambda reader, seed: seed not in reader.whole())
OURS = [param for param in WHOLE if param.values[0] not in ("image", "record")]  # not read by Pillow or SQLite
# Seeds that are no zip archives, because a reader accepts other bytes after a zip archive.
NO_ARCHIVES = [param for param in OURS if param.values[0] not in ("expanded", "torch")]


def places(name, whole):
    """Return at most 200 evenly spaced positions in a file, or at most 60 in a file for the reader `torch`."""
    return range(0, len(whole), 1 + len(whole) // (60 if name == "torch" else 200))


@pytest.fixture(scope="module")
def monitored(tmp_path_factory):
    """A function that reads contents with a `MonitoredReader`, and returns whether they were accepted."""
    readers = {}

    def read(name, contents, **keywords):
        reader = READERS[name]
        if not reader.is_there:
            pytest.skip(f"needs {reader.needs}")
        if name not in readers:
            path = tmp_path_factory.mktemp("fuzz") / name
            readers[name] = MonitoredReader(reader.read, path, [seed.read_bytes() for seed in reader.whole()])
        return readers[name](contents, **keywords)

    return read


@pytest.mark.parametrize(("name", "seed"), WHOLE)
def test_whole_seeds_are_read(name, seed, monitored):
    assert monitored(name, seed.read_bytes())


@pytest.mark.parametrize(("name", "seed"), REFUSED)
def test_what_was_found_by_fuzzing_is_refused(name, seed, monitored):
    assert not monitored(name, seed.read_bytes())


@pytest.mark.parametrize(("name", "seed"), OURS)
def test_cut_off_anywhere_it_is_refused(name, seed, monitored):
    whole = seed.read_bytes()
    read = [place for place in places(name, whole) if monitored(name, whole[: len(whole) - 1 - place])]
    assert not read


@pytest.mark.parametrize(("name", "seed"), NO_ARCHIVES)
def test_what_comes_after_it_is_refused(name, seed, monitored):
    assert not monitored(name, seed.read_bytes() + b"\1")  # not a zero, because zeros may follow gzip data


@pytest.mark.parametrize(("name", "seed"), OURS)
def test_each_byte_changed_it_is_refused_or_read(name, seed, monitored):
    """A changed file is refused if it has a checksum of its whole contents. No file causes a crash."""
    whole = seed.read_bytes()
    read = []
    for place in places(name, whole):
        damaged = bytearray(whole)
        damaged[place] ^= (1, 2, 16, 128, 255)[place % 5]
        if monitored(name, bytes(damaged)):
            read.append(place)
    assert not (read and name in ("checkpoint", "network3"))
    assert not (read and name == "model" and "book" not in seed.name)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_drawn_damage(name, monitored, data):
    """Checksums of damaged files may be corrected."""
    reader = READERS[name]
    random = Random(data.draw(st.integers(0, 2**32)))
    contents = data.draw(st.sampled_from(reader.whole())).read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        contents = damage.damaged(contents, reader.format, random, lambda part: any_damage(part, random))
    monitored(name, contents)


def any_damage(part, random):
    """Remove or duplicate up to 20 bytes, or replace them by up to 40 bytes."""
    start = random.randint(0, len(part))
    end = random.randint(start, min(len(part), start + 20))
    new = random.choice((random.randbytes(end - start), b"", part[start:end] * 2, b"\0", b"\xff" * 8, b"9" * 40))
    return part[:start] + new + part[end:]
