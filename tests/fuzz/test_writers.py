"""Every writer of files: whole or not at all, on a full disk, in a read-only folder, through links."""

import errno
import os
import resource
import tempfile
import threading
from pathlib import Path

import pytest
from fuzz.readers import READERS, RECIPE


def model(whole):
    from fastnet import models

    contents = models.read(whole)
    return lambda path: models.write(path, contents)


def checkpoint(whole):
    from fastnet import checkpoints

    contents = checkpoints.read(whole, RECIPE, "data")
    return lambda path: checkpoints.write(path, contents)


def expanded(whole):
    from fastnet import expand_mnist

    contents = expand_mnist.load(whole)
    return lambda path: expand_mnist.save(contents, path)


def network3(whole):
    from fastnet.network3 import files

    contents = files.read(whole)
    return lambda path: files.write(path, *contents)


def torch(whole):
    from fastnet.torch_classifier import checkpoint

    contents = checkpoint.load_model(whole)
    return lambda path: checkpoint.save_model(contents, path)


@pytest.fixture(params=[model, checkpoint, expanded, network3, torch], ids=lambda write: write.__name__)
def write(request):
    """Write a file of one kind; what was written before must not be lost."""
    reader = READERS[request.param.__name__]
    if not reader.is_there:
        pytest.skip(f"without {reader.needs}")
    write_contents = request.param(reader.whole()[0])

    def write(path):
        write_contents(path)
        reader.read(path)

    return write


OLD = b"what was there before"


@pytest.fixture
def old(tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "old"
    path.write_bytes(OLD)
    return path


def test_a_full_disk(write, old):
    """The system refuses to let a file grow, as it does when a disk is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(OSError, match=r"folder/old'$") as caught:
            write(old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert old.read_bytes() == OLD
    assert os.listdir(old.parent) == ["old"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
def test_a_device_that_is_full(write):
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write("/dev/full")
    assert Path("/dev/full").is_char_device()


def test_a_folder_that_is_read_only(write, tmp_path):
    write(tmp_path / "before")  # with all imports, of which another user may not be capable
    with tempfile.TemporaryDirectory() as folder:  # and not pytest's, which nobody else may enter
        path = Path(folder, "old")
        path.write_bytes(OLD)
        path.chmod(0o666)
        os.chmod(folder, 0o555)
        user = os.geteuid()
        if user == 0:  # who may write everywhere
            os.seteuid(65534)
        try:
            with pytest.raises(PermissionError, match=r"Permission denied: '.*old'"):
                write(path)
        finally:
            if user == 0:
                os.seteuid(user)
            os.chmod(folder, 0o755)
        assert path.read_bytes() == OLD
        assert os.listdir(folder) == ["old"]


def test_a_link_stays_a_link(write, old):
    link = old.parent / "link"
    link.symlink_to(old)
    old.chmod(0o640)
    write(link)
    assert link.is_symlink()
    assert old.read_bytes() != OLD
    assert old.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(old.parent)) == ["link", "old"]


def test_a_link_to_nothing_yet(write, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("new")
    write(link)
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "new"]


def test_links_in_a_circle(write, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    with pytest.raises(OSError, match=r"first'$") as caught:
        write(first)
    assert caught.value.errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


def test_a_file_whose_name_is_as_long_as_names_may_be(write, tmp_path):
    write(tmp_path / ("a" * 255))
    assert os.listdir(tmp_path) == ["a" * 255]


def test_two_threads_write_the_same_file(write, tmp_path):
    path, errors = tmp_path / "file", []

    def often():
        try:
            for _ in range(10):
                write(path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=often) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert os.listdir(tmp_path) == ["file"]


def test_nobody_can_lay_a_link_where_the_unfinished_file_is_written(write, old, monkeypatch):
    """Whoever knew the name could have a file of his choice overwritten."""
    monkeypatch.setattr("secrets.token_hex", lambda n: "guessed")
    victim = old.parent / "victim"
    victim.write_bytes(OLD)
    (old.parent / ".fastnet-guessed").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write(old)
    assert (victim.read_bytes(), old.read_bytes()) == (OLD, OLD)
