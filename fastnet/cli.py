"""The command `fastnet`."""

from __future__ import annotations

from typing import NoReturn

from fastnet.utils.imports import of_command


def main() -> NoReturn:
    """Run the command. After an error, one line is printed on standard error, and the exit status is 2."""
    with of_command("fastnet"):
        from fastnet.commands.all import fastnet_command
        from fastnet.commands.run import run
    run(fastnet_command, "fastnet")
