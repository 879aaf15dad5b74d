"""The command `fastnet`."""

from __future__ import annotations

import sys
from typing import NoReturn

from fastnet.utils.interruption import heard_afterwards


def main() -> NoReturn:
    """Run the command. An error prints one line on standard error and sets exit status 2."""
    try:
        with heard_afterwards():
            from fastnet.commands.all import fastnet_command
            from fastnet.commands.run import run
    except KeyboardInterrupt:
        sys.exit(130)
    run(fastnet_command, "fastnet")
