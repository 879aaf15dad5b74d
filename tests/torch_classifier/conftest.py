import sys
import warnings

import pytest


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process; return its status, and what it printed and complained of."""
    from fastnet import pytorch_mnist  # not before it is known that PyTorch is there

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which the command replaces

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pytorch_mnist", *arguments])
        with pytest.raises(SystemExit) as ended:
            pytorch_mnist.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run
