import errno
from pathlib import Path

import pytest

from fastnet.files import writing
from fastnet.files.writing import atomic_write


def test_a_file_that_cannot_be_replaced_gets_the_contents(tmp_path, monkeypatch):
    """A bind mount of a single file in a container, for example, cannot be replaced."""
    path = tmp_path / "mounted"
    path.write_bytes(b"what was there before, and is longer")
    inode = path.stat().st_ino

    def busy(self, target):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", busy)
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_ino == inode
    assert list(tmp_path.iterdir()) == [path]


def test_of_a_link_the_folder_of_the_linked_file_counts(tmp_path):
    for name, target in (("lost", tmp_path / "none" / "net.json"), ("loop", "loop"), ("new", "net.json")):
        (tmp_path / name).symlink_to(target)
    with pytest.raises(ValueError, match=r"none is not a folder that can be written to; name a file in another folder"):
        writing.check_writable(tmp_path / "lost")
    with pytest.raises(ValueError, match=r"loop is a loop of links; name another file"):
        writing.check_writable(tmp_path / "loop")
    assert writing.check_path(tmp_path / "new", "checkpoint") == tmp_path / "new"


def test_a_file_that_another_program_holds_on_windows_is_tried_again(tmp_path, monkeypatch):
    held, replace = [], Path.replace

    def replace_at_last(self, target):
        held.append(target)
        if len(held) < 3:
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_at_last)
    monkeypatch.setattr(writing, "_PAUSES", (0, 0, 0))
    path = tmp_path / "held"
    with pytest.raises(PermissionError), atomic_write(path) as file:
        file.write(b"new")
    held.clear()
    monkeypatch.setattr(writing.os, "name", "nt")
    unfinished = tmp_path / "unfinished"
    unfinished.write_bytes(b"new")
    writing._replace(path, unfinished)
    assert path.read_bytes() == b"new"
