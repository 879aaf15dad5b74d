"""Every writer of files writes atomically, also on a full disk, in a read-only folder and through links."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest
from fuzz.readers import READERS

from fastnet.files import writing


def model(whole):
    from fastnet.files import models

    contents = models.read(whole)
    return lambda path: models.write(path, contents)


def checkpoint(whole):
    from fastnet.learning import checkpoints

    contents = READERS["checkpoint"].read(whole)
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
    from fastnet import pytorch_mnist

    contents = pytorch_mnist.load_model(whole)
    return lambda path: pytorch_mnist.save_model(contents, path)


@pytest.fixture(params=[model, checkpoint, expanded, network3, torch], ids=lambda write: write.__name__)
def write(request):
    """A function that writes a file of one kind, and reads the file again."""
    reader = READERS[request.param.__name__]
    if not reader.is_there:
        pytest.skip(f"needs {reader.needs}")
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
    """A limit on the size of files (RLIMIT_FSIZE) simulates a full disk."""
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_that_is_full(write):
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write("/dev/full")
    assert Path("/dev/full").is_char_device()


def test_a_folder_that_is_read_only(write, tmp_path):
    write(tmp_path / "before")  # imports all modules, because another user may be unable to import them
    with tempfile.TemporaryDirectory() as folder:  # other users may be unable to enter pytest's folder
        path = Path(folder, "old")
        path.write_bytes(OLD)
        path.chmod(0o666)
        os.chmod(folder, 0o555)
        user = os.geteuid()
        if user == 0:  # because root could write to the folder
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


def unfinished_name(path):
    """Return the name of the temporary file of an atomic write to `path`."""
    before = {*os.listdir(path.parent), path.name}
    with writing.atomic_write(path) as file:
        (name,) = set(os.listdir(path.parent)) - before
        file.write(OLD)
    return name


def test_no_link_can_be_created_where_the_unfinished_file_is_written(write, old, monkeypatch):
    """If an attacker knew the temporary name, a link of this name could make the program overwrite another file."""
    monkeypatch.setattr("secrets.token_hex", lambda n: "guessed")
    first, target = unfinished_name(old), old.parent / "target"
    target.write_bytes(OLD)
    (old.parent / first).symlink_to(target)
    write(old)
    assert old.read_bytes() != OLD
    (old.parent / ".fastnet-guessed").symlink_to(target)
    old.write_bytes(OLD)
    with pytest.raises(FileExistsError):
        write(old)
    assert (target.read_bytes(), old.read_bytes()) == (OLD, OLD)
    assert (old.parent / first).is_symlink()


KILLED = """
import os, signal, sys
from fastnet.files import writing
with writing.atomic_write(sys.argv[1]) as file:
    file.write(b"unfinished")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_ctrl_c_waits_until_a_file_is_written(old):
    def interrupted():
        with writing.atomic_write(old) as file:
            file.write(b"what was")
            signal.raise_signal(signal.SIGINT)
            file.write(b" written")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
    assert old.read_bytes() == b"what was written"
    assert os.listdir(old.parent) == ["old"]


def test_ctrl_c_that_is_pressed_again_does_not_wait(old):
    deferred = []

    def interrupted():
        with writing.atomic_write(old) as file:
            file.write(b"what was")
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            deferred.append(True)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert not deferred
    assert old.read_bytes() == OLD
    assert os.listdir(old.parent) == ["old"]


def test_what_a_killed_writer_leaves_is_removed_by_the_next(write, old):
    for _ in range(3):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(old)], check=False)
        assert killed.returncode == -signal.SIGKILL
    assert old.read_bytes() == OLD
    assert len(os.listdir(old.parent)) == 2
    write(old)
    assert os.listdir(old.parent) == ["old"]


def test_an_unfinished_file_of_a_running_writer_is_not_removed(old):
    with writing.atomic_write(old) as slow:
        slow.write(b"slow")
        for text in (b"first", b"second"):
            with writing.atomic_write(old) as quick:
                quick.write(text)
            assert old.read_bytes() == text
    assert old.read_bytes() == b"slow"
    assert os.listdir(old.parent) == ["old"]


@pytest.mark.parametrize("locks", ["none of this system", "none of this disk"])
def test_without_locks_it_is_written_likewise(write, old, locks, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    if locks == "none of this system":
        monkeypatch.setattr(writing, "fcntl", None)
    else:
        monkeypatch.setattr(writing.fcntl, "flock", refuse)
    first = unfinished_name(old)
    assert unfinished_name(old) != first
    write(old)
    assert os.listdir(old.parent) == ["old"]


def test_many_write_the_same_file_and_some_are_killed(old):
    """The file is complete at the end. Only killed processes fail, and only killed processes leave temporary files."""
    program = textwrap.dedent("""
        import os, random, sys
        from fastnet.files import writing
        path, seed = sys.argv[1:]
        draw = random.Random(int(seed))
        for _ in range(300):
            with writing.atomic_write(path) as file:
                file.write(b"a" * 4000)
                if draw.random() < 0.002:
                    file.flush()
                    os._exit(9)
                file.write(b"a" * 4000)
    """)
    processes = [subprocess.Popen([sys.executable, "-c", program, str(old), str(seed)]) for seed in range(4)]
    statuses = [process.wait(timeout=60) for process in processes]
    assert set(statuses) == {0, 9}
    assert old.read_bytes() == b"a" * 8000
    with writing.atomic_write(old) as file:
        file.write(OLD)
    left = [name for name in os.listdir(old.parent) if name != "old"]
    assert len(left) <= statuses.count(9)  # temporary files with random names, left by killed processes
    assert unfinished_name(old) not in left


def test_a_name_that_was_changed_is_kept_by_the_disk(old, monkeypatch):
    """A power cut cannot be tested. The test checks the order: fsync of the file, renaming, fsync of the folder."""
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(stat.S_IFMT(os.fstat(fd).st_mode)), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda *paths: (calls.append("renamed"), replace(*paths)))
    with writing.atomic_write(old) as file:
        file.write(OLD)
    assert calls == [stat.S_IFREG, "renamed", stat.S_IFDIR]
