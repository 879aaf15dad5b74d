"""Count the lines of code, without blank lines, comments and docstrings: `python benchmarks/lines.py [REVISION]`.

REVISION is a commit of this repository, such as HEAD~1. The lines of this commit are counted, too. The features in
`FEATURES` that REVISION lacks are counted separately.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import fastnet

PACKAGE = Path(fastnet.__file__).parent
WHOLE = "*"


class Feature(NamedTuple):
    """A feature that was added after commit 2445949, and the code that serves only this feature.

    Code that also serves older features does not belong here, even if most of its lines are new.

    Attributes
    ----------
    what : str
        Description of the feature in one sentence.
    where : dict of str to str
        For each module, by its path in the package, the qualified names of functions, classes, methods and constants,
        separated by spaces; or `WHOLE` for the whole module.
    """

    what: str
    where: Mapping[str, str]


FEATURES = (
    Feature(
        "Activation functions: leaky ReLU, GELU and linear neurons.",
        {
            "formulas/activations.py": (
                "LEAK leaky_relu leaky_relu_prime gelu gelu_prime _NEGLIGIBLE _erfc _normal_distribution "
                "linear linear_prime"
            ),
            "kernels/activations.py": "leaky_relu gelu _exponent_of_erfc linear",
        },
    ),
    Feature(
        "Layers with their own activations, dropout and batch normalization anywhere, and checks of the layers.",
        {
            "formulas/layers.py": (
                "OF_OUTPUTS Layer Dense Dropout LAYERS as_layers from_settings _plain _check_activation"
            ),
            "formulas/architecture.py": "_completed",
            "networks/entries.py": "refuse_separate_sizes checked layers_of sizes_of entries_of _as_layers",
            "networks/base.py": (
                "BaseNetwork.layers BaseNetwork.parameters BaseNetwork._reset_others BaseNetwork._checked_others "
                "BaseNetwork._checked_entries _merged"
            ),
            "networks/learner.py": "for_layers_of",
            "network.py": "Network._checked_entries",
            "files/models.py": "is_plain _version_2 _read_version_2",
        },
    ),
    Feature(
        "Batch normalization, in each engine, in PyTorch's models and in the check of the mini-batch size.",
        {
            "formulas/normalization.py": WHOLE,
            "formulas/layers.py": "BatchNormalization",
            "formulas/architecture.py": "Architecture.statistics Architecture.check_mini_batch",
            "engines/reference_layers.py": "BatchNormalization _moments",
            "engines/numpy_layers.py": "BatchNormalization",
            "engines/torch_layers.py": "batch_normalization",
            "kernels/normalization.py": WHOLE,
            "kernels/layout.py": "Statistics",
            "kernels/arrays.py": "statistics_from add_statistics _statistics",
            "torch_models.py": "_normalization",
        },
    ),
    Feature(
        "Convolution and max-pooling in each engine, as layers of every network instead of chapter 6's networks only.",
        {
            "formulas/layers.py": "Convolution MaxPooling PADDINGS _height_and_width _image",
            "formulas/convolution.py": WHOLE,
            "formulas/images.py": WHOLE,
            "formulas/architecture.py": "Architecture.activations check_memory",
            "engines/reference_layers.py": "Convolution MaxPooling",
            "engines/numpy_layers.py": "Convolution MaxPooling",
            "engines/torch_layers.py": "convolution max_pooling",
            "kernels/convolution.py": WHOLE,
            "kernels/images.py": WHOLE,
            "kernels/normalization_of_maps.py": WHOLE,
            "kernels/blocks.py": "_patch_products _pooled _vectors add_vectors _or_rows or_rows is_blank _columns "
            "_column_sums _column_squares _column_errors add_columns add_squares_of_columns add_errors_of_columns",
            "kernels/convolution_gradients.py": WHOLE,
            "kernels/geometry.py": "first_place vectors_at_a_time",
            "kernels/cache.py": "KernelCache.has",
            "engines/numba.py": "Engine._images",
            "kernels/workspace.py": "_ScratchSizes _scratch_sizes",
            "kernels/parallel_compilation.py": WHOLE,
            "kernels/layout.py": "Image _Windows _windows filter_block",
            "kernels/arrays.py": "_filters positions_of_inputs",
            "networks/entries.py": "_checked_images input_shape_of",
            "networks/base.py": "BaseNetwork.input_shape",
            "files/models.py": "_input_shape",
            "torch_models.py": "_convolution _max_pooling _pair _input_shape",
        },
    ),
    Feature(
        "Layers in the classifier, and in a line of text for the commands and sweeps.",
        {
            "formulas/notation.py": WHOLE,
            "commands/parameters.py": "check_network_options Layers ImageShape",
            "commands/evaluate.py": "_description _image_shape",
            "neural_network/settings.py": "Settings.has_sizes_only Settings.architecture Settings._check_layers _layer",
            "neural_network/parameters.py": "_transposed _take_over",
            "sweeps/recipe.py": "Recipe.input_shape Recipe.architecture Recipe._layers _network _check_layers",
        },
    ),
    Feature(
        "Regression, several labels, weights of samples, every solver and callbacks in scikit-learn's estimators.",
        {
            "neural_network/regressor.py": WHOLE,
            "neural_network/lbfgs.py": WHOLE,
            "neural_network/callbacks.py": WHOLE,
            "neural_network/engine_cache.py": WHOLE,
            "neural_network/warn.py": WHOLE,
            "neural_network/solvers.py": "fit_lbfgs _scorer _interruption",
            "neural_network/parameters.py": "hidden_activations number_of_hidden_activations to_sklearn",
            "formulas/regression.py": WHOLE,
            "formulas/costs.py": "FOR_REGRESSION from_name class_name",
            "engines/torch_costs.py": "_poisson _absolute_error _huber _quantile",
            "engines/contract.py": "Totals Engine.cost_and_gradients Pass.divisors Pass.totals",
            "engines/arrays.py": "ArrayEngine._cost_and_gradients",
            "engines/numba.py": "Engine._cost_and_gradients",
            "engines/numpy.py": "Engine.hidden_activations",
            "engines/torch.py": "Eager._cost_and_gradients",
            "kernels/epoch.py": "divisor_of",
            "kernels/regularization.py": "squares",
            "kernels/costs.py": "_absolute_error _huber_error _quantile_error _poisson_loss _absolute_loss _huber_loss "
            "_quantile_loss _exponential",
        },
    ),
    Feature(
        "Pictures of filters, and of images in colours.",
        {
            "plots/images.py": "drawn_images",
            "plots/weights.py": "_of_filters _are_columns",
        },
    ),
    Feature(
        "Chapter 6's test accuracies are in the history, and in checkpoints.",
        {"learning/history.py": "Epoch.test_accuracy History.test_samples"},
    ),
    Feature(
        "A warning about a network that gives all samples the same label after a run of one epoch.",
        {"learning/diagnostics.py": "NeverPredicted"},
    ),
    Feature(
        "Optimizers besides gradient descent with momentum: Nesterov's momentum, RMSProp and Adam, chosen by name.",
        {
            "formulas/optimizers.py": "Optimizer RMSProp Adam OPTIMIZERS NAMES as_optimizer",
            "engines/torch_optimizers.py": "Kind",
            "kernels/optimizers.py": "nesterov rmsprop adam",
            "network2.py": "_described",
        },
    ),
    Feature(
        "Max-norm: a bound of the norm of each neuron's weights.",
        {"formulas/regularization.py": "bounded", "kernels/regularization.py": "bound_norms"},
    ),
    Feature(
        "Checks of the targets of the cross-entropy; other costs accept any targets.",
        {"formulas/costs.py": "QuadraticCost.check CrossEntropyCost.check CustomCost.check"},
    ),
    Feature(
        "Checkpoints of earlier versions are continued.",
        {
            "learning/checkpoints.py": "_rounds_as_version_2 _rounds_as_version_3 _ROUNDS_AS _in_form_of_version_3",
            "files/tensors.py": "Kind.earlier Contents",
        },
    ),
    Feature(
        "The first epoch begins sooner: Numba compiles less code, and copies of the package share compiled code.",
        {
            "kernels/structures.py": WHOLE,
            "kernels/compiler.py": "_TypingContext _KernelLibrary _KernelCompiler",
            "kernels/cache.py": "_sources _folders _Locator _Implementation",
            "utils/folders.py": WHOLE,
        },
    ),
    Feature(
        "Training continues without threads that cannot start or get no processor.",
        {"kernels/threads.py": "_SingleThreadPeriod _processors"},
    ),
    Feature(
        "Descriptions of the machine name the processor's vector instructions.",
        {"utils/machine.py": "_vectors"},
    ),
    Feature(
        "Every module is an attribute of the package; modules that lack a requirement are left out of its names.",
        {"__init__.py": "_ALL_OF _NEEDED"},
    ),
)
"""The features that are counted separately."""


def imports_of(source: str, modules: Container[str]) -> Iterator[str]:
    """Yield the modules that a module imports, also in functions, but not under `TYPE_CHECKING` or in `__getattr__`.

    Parameters
    ----------
    source : str
        The source of the module.
    modules : container of str
        Names of modules, such as "fastnet.network"; imports of other modules are ignored.
    """
    return _imports_in(ast.parse(source), modules)


def _imports_in(tree: ast.AST, modules: Container[str]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            children: list[ast.AST] = [*node.orelse]
        elif isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            children = []
        else:
            children = [node]
        for child in children:
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names if alias.name in modules)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0  # the package has no relative imports
                names = [f"{child.module}.{alias.name}" for alias in child.names]
                yield from (name if name in modules else child.module for name in names if child.module in modules)
            yield from _imports_in(child, modules)


def behind(entries: Iterable[str], left_out: tuple[str, ...] = ()) -> dict[str, int]:
    """Return the number of lines of code of each entry module, and of each module imported directly or indirectly.

    Parameters
    ----------
    entries : iterable of str
        Names of modules, such as "fastnet.network".
    left_out : tuple of str, optional
        Modules and folders that are not counted, and whose imports are not followed.

    Raises
    ------
    LookupError
        If a module in `entries` or `left_out` does not exist.
    """
    sources = {_name(path): source for path, source in sources_in(PACKAGE).items()}
    for name in (*entries, *left_out):
        if name not in sources:
            raise LookupError(f"there is no module {name}")
    found: set[str] = set()
    waiting = [*entries]
    while waiting:
        name = waiting.pop()
        if name not in found and not any(f"{name}.".startswith(f"{each}.") for each in left_out):
            found.add(name)
            waiting += imports_of(sources[name], sources)
    return {name: len(lines_of(sources[name])) for name in sorted(found)}


def _name(path: str) -> str:
    """Return the name of a module, given its path in the package."""
    return ".".join(Path(PACKAGE.name, path.removesuffix("__init__.py")).with_suffix("").parts)


def count(package: Path) -> dict[str, int]:
    """Return the number of lines of code in each folder of a package; "." is its root."""
    return by_folder(sources_in(package))


def sources_in(package: Path) -> dict[str, str]:
    """Return the source of each module, by its path in a package."""
    paths = sorted(package.rglob("*.py"))
    return {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def sources_of(revision: str) -> dict[str, str]:
    """Return the source of each module of an earlier version, by its path in the package."""
    command = ["git", "archive", revision, PACKAGE.name]
    archive = subprocess.run(command, cwd=PACKAGE.parent, check=True, stdout=subprocess.PIPE).stdout
    sources = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            file = files.extractfile(member)
            if file is not None and member.name.endswith(".py"):
                sources[member.name.removeprefix(f"{PACKAGE.name}/")] = file.read().decode("utf-8")
    return sources


def lines_of(source: str) -> set[int]:
    """Return the numbers of the lines of code of a module."""
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts.update(_lines(node))
    return {
        number
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and not line.strip().startswith("#") and number not in texts
    }


def new_lines(
    now: Mapping[str, str], before: Mapping[str, str], features: tuple[Feature, ...] = FEATURES
) -> dict[str, int]:
    """Return the number of lines of code of new features in each module, by its path in the package.

    Parameters
    ----------
    now, before : mapping of str to str
        Source of each module of the later and the earlier version. A name that both versions have is not new.
    features : tuple of Feature, optional
        The features to count.

    Raises
    ------
    LookupError
        If a module or a name in `features` does not exist in the later version.
    """
    found: dict[str, set[int]] = {}
    for feature in features:
        for module, names in feature.where.items():
            if module not in now:
                raise LookupError(f"there is no module {module}; change or remove it in FEATURES: {feature.what}")
            defined, known = _definitions(now[module]), _definitions(before.get(module, ""))
            lines = found.setdefault(module, set())
            for name in [WHOLE] if names == WHOLE else names.split():
                if name not in defined:
                    raise LookupError(f"{module} has no {name}; change or remove it in FEATURES: {feature.what}")
                lines |= set() if name in known else defined[name]
    return {module: len(lines & lines_of(now[module])) for module, lines in found.items()}


def _definitions(source: str) -> dict[str, set[int]]:
    """Return the line numbers of the module, and of each function, class, method and constant by qualified name."""
    definitions: dict[str, set[int]] = {WHOLE: set(range(1, source.count("\n") + 2))} if source else {}

    def add(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            names = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.append(node.target.id)
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                names.append(node.name)
            for name in names:  # a property with a setter is defined twice
                definitions.setdefault(prefix + name, set()).update(_lines(node))
            if isinstance(node, ast.ClassDef):
                add(node.body, f"{prefix}{node.name}.")

    add(ast.parse(source).body, "")
    return definitions


def _lines(node: ast.stmt) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def by_folder(sources: Mapping[str, str]) -> dict[str, int]:
    """Return the number of lines of code in each folder, given the source of each module; "." is the package's root."""
    return _sums({module: len(lines_of(source)) for module, source in sources.items()})


def comparison(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return a table that compares the numbers of lines of code of two versions, given the source of each module.

    Raises
    ------
    LookupError
        If a module or a name in `FEATURES` does not exist in the later version.
    """
    columns = [by_folder(before), by_folder(now), _sums(new_lines(now, before))]
    rows = ["| folder | lines before | now | of which new features | now without |", "| --- | --- | --- | --- | --- |"]
    for folder in sorted({*columns[0], *columns[1]}):
        rows.append(_row(folder, *(column.get(folder, 0) for column in columns)))
    rows.append(_row("all", *(sum(column.values()) for column in columns)))
    numbers = {each.what: sum(new_lines(now, before, (each,)).values()) for each in FEATURES}
    features = [f"- {number} lines: {what}" for what, number in numbers.items() if number]
    return "\n".join([*rows, "", "New features:", "", *(features or ["- none"])])


def _sums(modules: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of the modules' numbers in each folder."""
    sums: Counter[str] = Counter()
    for module, number in modules.items():
        sums[module.partition("/")[0] if "/" in module else "."] += number
    return dict(sums)


def _row(folder: str, before: int, now: int, new: int) -> str:
    return f"| {folder} | {before} | {now} | {new} | {now - new} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", help="an earlier version to compare with: a commit")
    revision = parser.parse_args().revision
    if revision is None:
        folders = count(PACKAGE)
        for folder, lines in sorted(folders.items()):
            print(f"{folder:20}{lines:6}")
        print(f"{'all':20}{sum(folders.values()):6}")
        return
    try:
        print(comparison(sources_of(revision), sources_in(PACKAGE)))
    except LookupError as error:
        parser.exit(1, f"{error.args[0]}\n")


if __name__ == "__main__":
    main()
