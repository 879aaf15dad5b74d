"""What README shows is what happens."""

import doctest
import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = doctest.DocTestParser().get_examples("".join(re.findall(r"```pycon\n(.*?)```", README, re.DOTALL)))


class SameButForNumbers(doctest.OutputChecker):
    def check_output(self, want, got, optionflags):
        want, got = (re.sub(r"\d+", "#", text) for text in (want, got))
        return super().check_output(want, got, optionflags | doctest.ELLIPSIS)


def test_the_examples(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    assert len(EXAMPLES) > 6
    failures = []
    runner = doctest.DocTestRunner(SameButForNumbers(), verbose=False)
    runner.run(doctest.DocTest(EXAMPLES, {}, "README", "README.md", 0, README), out=failures.append)
    assert not failures, "".join(failures)


def test_the_accuracy_shown_is_one_that_is_reached():
    shown = [float(percent) for percent in re.findall(r"\((\d+\.\d+)% accuracy\)", README)]
    assert len(shown) == 3
    assert all(75 < percent < 96 for percent in shown)


@pytest.mark.parametrize("name", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_links_lead_somewhere(name):
    assert (Path(__file__).parent.parent / name).exists()
