"""Take files apart, and put them together again with correct lengths and checksums.

Without a correct checksum, a reader would refuse every damaged file before it parses the contents.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

from fastnet.files.tensors import Kind

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_UNPACKED = 1 << 16  # largest number of bytes that are decompressed
_MODEL = re.compile(rb'\{"version": ([12]), "sha256": "[0-9a-f]{64}", ')


class Format(NamedTuple):
    """How to take a file apart, and put it together again.

    `apart` may raise any exception if a file is too damaged. `together` accepts any parts.
    """

    apart: Callable[[bytes], list[bytes]]
    together: Callable[[list[bytes]], bytes]


def _gunzipped(contents: bytes) -> list[bytes]:
    with gzip.open(io.BytesIO(contents)) as stream:
        part = stream.read(_MOST_UNPACKED)
        if stream.read(1):
            raise ValueError("compressing the file again would take too long")
    return [part]


def _gzipped(parts: list[bytes]) -> bytes:
    return gzip.compress(b"".join(parts), 1, mtime=0)


def _text_of_model(contents: bytes) -> list[bytes]:
    beginning = _MODEL.match(contents)
    if beginning is None:
        raise ValueError("the file has no checksum")
    return [beginning[1], b"{" + contents[beginning.end() :]]


def _sealed_model(parts: list[bytes]) -> bytes:
    version, text = parts[0], b"".join(parts[1:])[1:]
    checksum = hashlib.sha256(text).hexdigest().encode("ascii")
    return b'{"version": %s, "sha256": "%s", %s' % (b"1" if version == b"1" else b"2", checksum, text)


def _archive(contents: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(contents)) as archive:
        return [part for name in archive.namelist() for part in (name.encode(), archive.read(name))]


def _archived(parts: list[bytes]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.filterwarnings("ignore", "Duplicate name")  # damage may give two entries the same name
        for name, content in zip(parts[::2], parts[1::2], strict=True):
            entry = zipfile.ZipInfo(name.decode("latin1").partition("\0")[0][:1000] or "a")
            archive.writestr(entry, content)
    return stream.getvalue()


def _chunks(contents: bytes) -> list[bytes]:
    if not contents.startswith(_PNG):
        raise ValueError("the file is not a PNG")
    parts, place = [], len(_PNG)
    while place < len(contents):
        (length,) = struct.unpack_from(">I", contents, place)
        kind, chunk = contents[place + 4 : place + 8], contents[place + 8 : place + 8 + length]
        parts += [kind, zlib.decompressobj().decompress(chunk, _MOST_UNPACKED) if kind == b"IDAT" else chunk]
        place += length + 12
    return parts


def _of_chunks(parts: list[bytes]) -> bytes:
    contents = _PNG
    for kind, chunk in zip(parts[::2], parts[1::2], strict=True):
        kind = kind[:4].ljust(4, b"a")
        chunk = zlib.compress(chunk, 1) if kind == b"IDAT" else chunk
        contents += struct.pack(">I", len(chunk)) + kind + chunk + struct.pack(">I", zlib.crc32(kind + chunk))
    return contents


def tensors(kind: Kind) -> Format:
    """Return the format of a kind of tensor file. The parts are the version, description, array headers and numbers."""
    name, versions = kind.name, [str(version) for version in (kind.version, *kind.earlier)]

    def apart(contents: bytes) -> list[bytes]:
        length = int.from_bytes(contents[:8], "little")
        header = json.loads(contents[8 : 8 + length])
        metadata = header.pop("__metadata__")
        version = metadata["version"]
        return [version.encode(), metadata[name].encode(), json.dumps(header).encode(), contents[8 + length :]]

    def together(parts: list[bytes]) -> bytes:
        of_version, text, entries, numbers = parts
        version = next((each for each in versions if each.encode() == of_version), versions[0])
        description = text.decode("utf-8", "replace")
        try:
            digested = json.dumps([name, version, description, json.loads(entries)]).encode() + numbers
        except (ValueError, RecursionError):
            digested = b""
        metadata = {name: description, "version": version, "sha256": hashlib.sha256(digested).hexdigest()}
        comma = b"" if entries[1:2] == b"}" else b", "
        header = b'{"__metadata__": ' + json.dumps(metadata).encode() + comma + entries[1:]
        return len(header).to_bytes(8, "little") + header + numbers

    return Format(apart, together)


CHECKPOINT = tensors(Kind("fastnet.checkpoint", "checkpoint", 5, earlier=(2, 3, 4)))
NETWORK3 = tensors(Kind("fastnet.network3", "network of network3", 1))
GZIP = Format(_gunzipped, _gzipped)
MODEL = Format(_text_of_model, _sealed_model)
ZIP = Format(_archive, _archived)
PNG = Format(_chunks, _of_chunks)
