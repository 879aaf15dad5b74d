"""Run the command `fastnet` in this process, which saves the start-up time of a new process."""

import io
import subprocess
import sys
import warnings

import pytest

from fastnet import cli


def run(*arguments, cwd=None):
    """Run the command, and return its exit status and output as a `CompletedProcess`.

    If `cwd` is given, the command runs in this folder.
    """
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "argv", ["fastnet", *arguments])
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        warnings.simplefilter("default")  # as in a separate process, warnings are printed, not raised
        patch.setattr(warnings, "showwarning", lambda *of: errors.write(warnings.formatwarning(*of[:4])))
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return subprocess.CompletedProcess(arguments, ended.value.code or 0, output.getvalue(), errors.getvalue())


def overriding(given, *others):
    """Return the options and values of `given` that `others` does not override, followed by `others`."""
    pairs = zip(given[::2], given[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in others for word in pair] + list(others)
