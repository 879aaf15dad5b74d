"""`fastnet compile`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from fastnet.commands.run import say
from fastnet.commands.types import SETTINGS, Command, NewFolder
from fastnet.utils import progress

_USERS = {
    "x86-64-v3": "every process on a processor with AVX2 and without AVX-512",
    "x86-64-v4": "every process on a processor with AVX-512",
}


@click.command(name="compile", cls=Command, context_settings=SETTINGS)
@click.option(
    "--processor",
    default="native",
    metavar="NAME",
    help="Processor to compile for: native, x86-64-v3 (with AVX2), x86-64-v4 (with AVX-512), or another name in LLVM, "
    "such as znver4.",
)
@click.option(
    "--folder",
    type=NewFolder(),
    show_default="this user's cache folder",
    help="Folder for the compiled code, for a container image or a cluster.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    show_default="one per processor",
    help="Number of processes that compile at the same time.",
)
def compile_kernels(processor: str, folder: Path | None, jobs: int | None) -> None:
    """Compile all kernels now, so that no training has to wait for the compiler.

    Kernels that are compiled already are skipped. Without this command, a kernel is compiled at its first use.

    \b
    In a container image, for all processors with AVX2 and without AVX-512, and
    then for all processors with AVX-512:
      RUN fastnet compile --folder /opt/kernels --processor x86-64-v3
      RUN fastnet compile --folder /opt/kernels --processor x86-64-v4
      ENV NUMBA_CACHE_DIR=/opt/kernels
    """  # noqa: D301 - click does not wrap the lines after a backspace
    from fastnet.compilation import kernels, targets, workers

    try:
        variables = targets.environment_of(processor)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None
    if folder is not None:
        variables["NUMBA_CACHE_DIR"] = str(folder.absolute())
    specializations = kernels.specializations()
    try:
        with progress.steps("Compiling", len(specializations)) as step:
            report = workers.compile_all(specializations, variables, jobs, step)
    except workers.CompilationError as error:
        raise click.ClickException(str(error)) from None
    number, before = len(specializations), len(specializations) - report.compiled
    say(
        f"Compiled {report.compiled} of {number} kernels for {report.processor.name} in {report.seconds:.1f} seconds; "
        f"{before} were compiled before."
    )
    say(f"The compiled code takes {report.size / 1e6:.1f} MB in {report.folder}")
    say(_use(processor, variables))


def _use(processor: str, variables: dict[str, str]) -> str:
    """Return a sentence that says which processes use the compiled code, and with which environment variables."""
    users = _USERS.get(processor, "every process")
    if processor in _USERS:
        variables = {name: value for name, value in variables.items() if not name.startswith("NUMBA_CPU")}
    if not variables:
        return f"The code is used by {users}; no setting is needed."
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in sorted(variables.items()))
    return f"The code is used by {users} with {settings} in its environment."
