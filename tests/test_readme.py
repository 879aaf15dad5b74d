"""Examples in README, CONTRIBUTING and the pages of `docs` give the shown output, and links work."""

import doctest
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = {
    page.name: page for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
README = PAGES["README.md"].read_text(encoding="utf-8")


class SameButForNumbers(doctest.OutputChecker):
    def check_output(self, want, got, optionflags):
        want, got = (re.sub(r"\d+", "#", text) for text in (want, got))
        return super().check_output(want, got, optionflags | doctest.ELLIPSIS)


class Exact(doctest.OutputChecker):
    def check_output(self, want, got, optionflags):
        return super().check_output(want, got, optionflags | doctest.ELLIPSIS)


WITH_EXAMPLES = (
    "README.md",
    "agreement.md",
    *(f"chapter{number}.md" for number in range(1, 7)),
    "checkpoints.md",
    "clusters.md",
    "exercises.md",
    "gpu.md",
    "index.md",
    "kernel.md",
    "own-cost.md",
    "own-data.md",
    "play.md",
    "scikit-learn.md",
    "tour.md",
)
CHECKERS = {"exercises.md": Exact}
"""Output checkers for pages whose numbers must be exact. All other pages use `SameButForNumbers`."""


@pytest.mark.parametrize("name", PAGES)
def test_the_examples(name, tmp_path, monkeypatch):
    for library in ("torch", "sklearn", "matplotlib", "PIL", "joblib", "distributed"):
        pytest.importorskip(library)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "api", "gallery"))
    monkeypatch.chdir(tmp_path)
    text = PAGES[name].read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_examples("".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL)))
    assert examples or name not in WITH_EXAMPLES
    failures = []
    runner = doctest.DocTestRunner(CHECKERS.get(name, SameButForNumbers)(), verbose=False)
    runner.run(doctest.DocTest(examples, {}, name, name, 0, text), out=failures.append)
    assert not failures, "".join(failures)


def test_the_accuracy_shown_is_one_that_is_reached():
    shown = [float(percent) for percent in re.findall(r"\((\d+\.\d+)% accuracy\)", README)]
    assert len(shown) == 4
    assert all(75 < percent < 96 for percent in shown)


LINKS = [
    (name, link)
    for name, page in PAGES.items()
    for link in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_links_lead_somewhere(name, link):
    path, _, heading = link.partition("#")
    page = PAGES[name].parent / path if path else PAGES[name]
    assert page.exists()
    titles = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8")) if heading else []
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]  # in GitHub's form
    assert not heading or heading in anchors
