"""Model files with arbitrary contents and a valid checksum."""

import hashlib
import json


def with_checksum(contents, version=1):
    """Return the bytes of a file in the format of `Network.save`, with these contents and a valid checksum."""
    text = json.dumps(contents)[1:]
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return f'{{"version": {version}, "sha256": "{checksum}", {text}'.encode()
