"""The command `fastnet`."""

from __future__ import annotations

from typing import NoReturn

from fastnet.utils.imports import of_command


def main() -> NoReturn:
    """Run the command. An error prints one line on standard error and sets exit status 2."""
    with of_command("fastnet"):
        from fastnet.commands.all import fastnet_command
        from fastnet.commands.run import run
    run(fastnet_command, "fastnet")
