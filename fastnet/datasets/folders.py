"""Finds the files in a folder that belong to one data set."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from fastnet.datasets import csv, npy, npz
from fastnet.datasets.npz import Role
from fastnet.files.reading import DataError

_DEEPEST = 3  # largest depth of subfolders that are searched; in torchvision's root folder, MNIST/raw has depth 2
_MOST_FILES = 20_000  # largest number of files in a folder and its subfolders; a folder with more files is refused
_IDX = re.compile(r"(.*?)(train|t10k|test)[-_.](images|labels)[-_.]idx\d([-_.][a-z]+)?(\.gz)?", re.IGNORECASE)
_IDX_FOLDER = re.compile(r".*(train|t10k|test)[-_.](images|labels)", re.IGNORECASE)  # see `_folder_of`
_SETS = {"train": "training", "t10k": "test", "test": "test"}
_OF_MNIST = {
    ("training", "images"): "train-images-idx3-ubyte",
    ("training", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


def idx_files(path: Path) -> dict[Role, Path] | None:
    """Return the IDX files of a data set, with their roles such as ("training", "images") as keys.

    Parameters
    ----------
    path : Path
        A folder, such as the one that torchvision makes; or one of the files. The file's name selects one data set if
        the folder holds several.

    Returns
    -------
    dict of (str, str) to Path, or None
        The files; None if `path` is neither a file with the name of an IDX file nor a folder with such files. If a
        gzipped file and another file have the same role, the file that is not gzipped is used.

    Raises
    ------
    FileNotFoundError
        If a file is missing, except if both test files are missing.
    DataError
        If several data sets have the smallest depth in the folder, or the folder holds more than 20,000 files.
    """
    chosen = _IDX.fullmatch(path.name)
    if not (chosen or path.is_dir()):
        return None
    folder = path if path.is_dir() else _folder_of(path)
    files = _files(folder) if path.is_dir() else _files_beside(folder)
    groups: dict[tuple[Path, str], dict[Role, Path]] = {}
    for file in sorted(files, key=lambda file: (file.name.lower().endswith(".gz"), file.name)):
        found = _IDX.fullmatch(file.name)
        if found:
            role = _SETS[found[2].lower()], found[3].lower()
            groups.setdefault((_folder_of(file), found[1].lower()), {}).setdefault(role, file)
    if chosen and not path.is_dir():
        groups = {key: group for key, group in groups.items() if key == (folder, chosen[1].lower())}
    whole = [group for group in groups.values() if not _missing(group)]
    group = _shallowest(whole or list(groups.values()), path)
    if group is not None and _missing(group):
        role = _missing(group)[0]
        beside = next(iter(group.values()))
        name = _IDX.fullmatch(beside.name)
        raise FileNotFoundError(
            f"{_folder_of(beside)}: there is no file {name[1] if name else ''}{_OF_MNIST[role]}, gzipped or not, which "
            f"{beside.name} needs; put both files into one folder"
        )
    return group


def other_files(folder: Path) -> list[Path]:
    """Return the table and array files of a folder; if it has none, those of its uppermost subfolders with such files.

    Raises
    ------
    FileNotFoundError
        If there is no file of a table or an array.
    DataError
        If the folder holds more than 20,000 files.
    """
    endings = (*csv.ENDINGS, *npy.ENDINGS, ".npz", ".parquet")
    files = [file for file in _files(folder) if file.name.lower().endswith(endings)]
    if not files:
        raise FileNotFoundError(
            f"{folder}: there is no file {_OF_MNIST['training', 'images']}, gzipped or not, in this folder, and no "
            ".csv, .npz, .npy or .parquet"
        )
    depth = min(len(file.parts) for file in files)
    return sorted(file for file in files if len(file.parts) == depth)


def by_set(files: Iterable[Path]) -> dict[str, Path]:
    """Return the training, validation and test table. A table whose name mentions no set is the training table.

    Raises
    ------
    DataError
        If two tables belong to the same set.
    """
    found: dict[str, Path] = {}
    for file in files:
        name = npz.set_of(file.name) or "training"
        if name in found:
            raise DataError(
                f"{file.parent}: {found[name].name} and {file.name} may both be the {name} data; give one of them, or "
                "put train, val or test into their names"
            )
        found[name] = file
    return found


def visible(folder: Path) -> list[Path]:
    """Return what a folder contains, except what is hidden: macOS may write a file `._NAME` beside NAME."""
    return [each for each in folder.iterdir() if not each.name.startswith(".")]


def _missing(group: dict[Role, Path]) -> list[Role]:
    without_test = not any(name == "test" for name, _ in group)
    return [role for role in _OF_MNIST if role not in group and not (without_test and role[0] == "test")]


def _shallowest(groups: list[dict[Role, Path]], path: Path) -> dict[Role, Path] | None:
    depths = [min(len(_folder_of(file).parts) for file in group.values()) for group in groups]
    first = [group for group, depth in zip(groups, depths, strict=True) if depth == min(depths)]
    if len(first) > 1:
        names = ", ".join(sorted(str(next(iter(group.values())).relative_to(path)) for group in first))
        raise DataError(f"{path}: this folder holds {len(first)} data sets; give one of the files {names}")
    return first[0] if first else None


def _folder_of(file: Path) -> Path:
    """Return the folder of a file, or that folder's parent if the folder has the file's name, as in some archives."""
    return file.parent.parent if file.parent.name in (file.name, file.stem) else file.parent


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder and its subfolders to a depth of `_DEEPEST`, except hidden files and subfolders."""
    files: list[Path] = []
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and depth < _DEEPEST)
        files += (Path(place, name) for name in names if not name.startswith("."))
        if len(files) > _MOST_FILES:
            raise DataError(f"{folder}: this folder holds more than {_MOST_FILES:,} files; give the data file itself")
    return files


def _files_beside(folder: Path) -> list[Path]:
    """Return the IDX files in a folder, and those in its subfolders that have the name of an IDX file."""
    here = [each for each in visible(folder) if _IDX_FOLDER.match(each.name)]
    below = [each for place in here if place.is_dir() for each in visible(place)]
    return [each for each in here + below if not each.is_dir()]
