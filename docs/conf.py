"""How Sphinx builds the site: `sphinx-build -W --keep-going -b html docs docs/_build/html`."""

from __future__ import annotations

import re
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from numpydoc.docscrape_sphinx import SphinxDocString  # noqa: E402

import fastnet  # noqa: E402

project = "fastnet"
author = "the fastnet developers"
version = release = fastnet.__version__
html_title = f"fastnet {version}"
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
pygments_style, pygments_dark_style = "default", "github-dark"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]

# Pages
myst_heading_anchors = 3
# A copy of an example has neither prompts, output nor tracebacks.
copybutton_exclude = ".linenos, .go"
copybutton_prompt_text = r">>> ?|\.\.\. ?"
copybutton_prompt_is_regexp = True
suppress_warnings = ["config.cache"]

# Reference
nitpicky = True
smartquotes = False  # two hyphens of an option stay hyphens
default_role = "literal"  # `x` in a docstring is code
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # the section "Parameters" has them
numpydoc_show_class_members = False
_process_param = SphinxDocString._process_param
# The text of an attribute is that of its class, not the docstring of its default value.
SphinxDocString._process_param = lambda self, param, text, is_attribute: _process_param(self, param, text, False)

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": str(DOCS.parent / "examples"),
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "image_scrapers": ("matplotlib", "gallery_hooks"),
    "image_srcset": ["2x"],
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "within_subsection_order": "gallery_hooks.InOrder",
    "write_computation_times": False,
}

OUTSIDE = {"CHANGELOG.md": "changelog", "CONTRIBUTING.md": "contributing", "SECURITY.md": "security"}
"""Files outside this folder, and the pages that show them."""


def with_links_into_the_site(app: Any, docname: str, source: list[str]) -> None:
    """Have pages show the files of `OUTSIDE`, and have links to files outside this folder lead to pages."""
    text = source[0]
    for file, page in OUTSIDE.items():
        if docname == page:
            text = (DOCS.parent / file).read_text(encoding="utf-8").replace("](docs/", "](")
    for file, page in {"README.md": "index", **OUTSIDE}.items():
        text = re.sub(rf"\]\((\.\./)?{re.escape(file)}", f"]({page}.md", text)
    source[0] = text


def without_catchers(app: Any, what: str, name: str, obj: Any, options: Any, signature: Any, returned: Any) -> Any:
    """Leave out of signatures what only catches wrong arguments."""
    if signature is None:
        return None
    return re.sub(r", \*\*unknown\b", "", signature.replace("*others", "*")), returned


def is_foreign(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Whether a class has inherited a method from another package, which describes the method itself."""
    function = getattr(obj, "fget", obj)
    return True if callable(function) and not str(getattr(function, "__module__", "")).startswith("fastnet") else None


def ignore_external_links_offline(app: Any) -> None:
    """Check links to other sites only where there is a network."""
    if app.builder.name != "linkcheck":
        return
    try:
        socket.create_connection(("neuralnetworksanddeeplearning.com", 80), timeout=5).close()
    except OSError:
        app.config.linkcheck_ignore = [*app.config.linkcheck_ignore, "https?://"]


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("source-read", with_links_into_the_site)
    app.connect("autodoc-skip-member", is_foreign)
    app.connect("autodoc-process-signature", without_catchers)
    app.connect("config-inited", lambda app, config: import_without_torch())
    app.connect("builder-inited", ignore_external_links_offline)


def import_without_torch() -> None:
    """Import the modules that need PyTorch, where it is not installed: the reference describes them all the same."""
    if find_spec("torch") is not None:
        return
    import gallery_hooks

    with gallery_hooks.stubs("torch", "torchvision"):
        import fastnet.pytorch_mnist
        import fastnet.torch_models  # noqa: F401
