"""The command `fastnet` in this process: as its entry point runs it, without the seconds that a process begins with."""

import io
import subprocess
import sys
import warnings

import pytest

from fastnet import cli


def run(*arguments, cwd=None):
    """Run the command, in a folder if one is given; return its status and what it printed, as of a process."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "argv", ["fastnet", *arguments])
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        warnings.simplefilter("default")  # a warning is printed, as in a process of its own, and no error
        patch.setattr(warnings, "showwarning", lambda *of: errors.write(warnings.formatwarning(*of[:4])))
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return subprocess.CompletedProcess(arguments, ended.value.code or 0, output.getvalue(), errors.getvalue())


def overriding(given, *others):
    """Return arguments, without those options of `given`, of one value each, that are among the others."""
    pairs = zip(given[::2], given[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in others for word in pair] + list(others)
