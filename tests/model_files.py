"""Files of networks whose checksum is right, whatever else is wrong with them."""

import hashlib
import json


def sealed(contents, version=1):
    """Return the bytes of a file with these contents, as `Network.save` writes it."""
    text = json.dumps(contents)[1:]
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return f'{{"version": {version}, "sha256": "{checksum}", {text}'.encode()
