"""`fastnet predict` as a user types it."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from commands import in_process

from fastnet import Dataset, cli, handwriting, mnist_loader, network2
from fastnet.handwriting import network_cache

pytest.importorskip("scipy.ndimage", reason="the extra predict is not installed")
Image = pytest.importorskip("PIL.Image", reason="the extra predict is not installed")
drawn = pytest.importorskip("drawn")


def shown(probability):
    return f"{min(probability, 0.999) * 100:.1f} %"


def run(*arguments, **keywords):
    return in_process.run("predict", *arguments, **keywords)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with three images and a truncated image."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    drawn.written(7, random).save(folder / "seven.png")
    drawn.photographed(4, random).save(folder / "four.jpg")
    drawn.two(4, 2, random).save(folder / "two.png")
    (folder / "bad.png").write_bytes((folder / "seven.png").read_bytes()[:300])
    return folder


@pytest.fixture(scope="module", params=[network2.QuadraticCost, network2.LogLikelihoodCost])
def model(request, pictures, mnist):
    net = network2.Network([784, 30, 10], request.param, seed=0)
    net.SGD(mnist[0], 2, 10, 3.0 if request.param is network2.QuadraticCost else 0.5, report=lambda history: None)
    path = pictures / f"{request.param.__name__}.json"
    net.save(path)
    return path


def test_a_line_for_each_image_by_a_saved_network(pictures, model):
    names = ["seven.png", "four.jpg", "two.png"]
    result = run("--model", str(model), *names, cwd=pictures)
    assert (result.returncode, result.stderr) == (0, "")
    net = network2.load(model, engine="reference")
    expected = [f"{name}: {handwriting.predict(net, handwriting.read(pictures / name))}" for name in names]
    assert result.stdout.splitlines() == expected
    assert expected[2] == "two.png: not sure: there seem to be two things in the picture"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder that does not exist yet."""
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_without_a_network_one_is_trained_once(pictures, cache, mnist, monkeypatch):
    """To save time, the network is trained on 5,000 digits."""
    few = Dataset(mnist[0].inputs[:5000], mnist[0].targets[:5000])
    monkeypatch.setattr(mnist_loader, "load_data_wrapper", lambda: (few, *mnist[1:]))
    first, second = (run("seven.png", "four.jpg", "two.png", cwd=pictures) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    (file,) = cache.iterdir()
    line = f"note: Training a network to read digits takes some seconds; the network is kept in {file}"
    assert line in first.stderr.splitlines()
    assert second.stderr == ""
    assert first.stdout == second.stdout
    lines = first.stdout.splitlines()
    assert re.fullmatch(r"seven\.png: 7 \(\d\d\.\d %\)", lines[0])
    # After training on only 5,000 digits, the network may not be sure of this image.
    assert re.fullmatch(r"four\.jpg: (not sure: it may be )?4 \(\d\d\.\d %\).*", lines[1])
    assert len(lines) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no control characters in file names")
def test_control_characters_in_names_are_printed_escaped(pictures, model, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    hostile = "a\x1b[31m\x07\n\u202e$b.png"
    shutil.copy(pictures / "seven.png", tmp_path / hostile)
    shutil.copy(pictures / "bad.png", tmp_path / f"bad{hostile}")
    result = run(
        "--model",
        str(model),
        hostile,
        f"bad{hostile}",
        f"no{hostile}",
        "--json",
        "a.json",
        "--plot",
        "a.png",
        cwd=tmp_path,
    )
    shown = r"a\x1b[31m\x07\n\u202e$b.png"
    assert re.fullmatch(re.escape(shown) + r": \d \(.* %\)\nSaved to a\.json\nPicture saved to a\.png\n", result.stdout)
    bad, missing = result.stderr.splitlines()
    assert bad.startswith(f"fastnet: bad{shown}: ")
    assert missing == f"fastnet: no{shown}: No such file or directory"
    assert (result.stdout + result.stderr).replace("\n", "").isprintable()
    assert json.loads((tmp_path / "a.json").read_text())[0]["file"] == hostile


def test_other_formats(pictures, model, tmp_path):
    expected = run("--model", str(model), "seven.png", cwd=pictures).stdout.removeprefix("seven.png")
    for ending in ("bmp", "gif", "tif"):
        Image.open(pictures / "seven.png").save(tmp_path / f"seven.{ending}")
        result = run("--model", str(model), f"seven.{ending}", cwd=tmp_path)
        assert (result.stdout, result.stderr) == (f"seven.{ending}{expected}", "")


def test_one_that_cannot_be_read_does_not_keep_the_others_from_an_answer(pictures, model):
    result = run("--model", str(model), "bad.png", "seven.png", "nothing.png", cwd=pictures)
    assert result.returncode == 2
    assert result.stdout.startswith("seven.png: ")
    first, second = result.stderr.splitlines()
    assert first.startswith("fastnet: bad.png: ")
    assert second == "fastnet: nothing.png: No such file or directory"


def test_where_nothing_can_be_read_nothing_is_trained(pictures, cache):
    result = run("bad.png", cwd=pictures)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_show_json_and_plot(pictures, model, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    files = "--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")
    result = run("--model", str(model), "--show", *files, "seven.png", "bad.png", cwd=pictures)
    assert result.returncode == 2
    lines = result.stdout.splitlines()
    assert len(lines) == 17
    assert result.stdout.isascii()
    first, second = json.loads((tmp_path / "a.json").read_text())
    assert first["file"] == "seven.png"
    assert lines[0] == f"seven.png: {first['digit']} ({shown(max(first['probabilities']))})"
    for line, (digit, probability) in zip(lines[3:13], enumerate(first["probabilities"]), strict=True):
        assert re.search(rf"   {digit} #* +{shown(probability)}$", line)
    assert second["file"] == "bad.png"
    assert "damaged" in second["error"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'IMAGE...'"),
        (["--model", "nothing.json", "seven.png"], "Invalid value for '--model': File 'nothing.json' does not exist."),
        (["--model", "seven.png", "seven.png"], "seven.png: this file does not hold a network"),
        (
            ["--model", "small.json", "seven.png"],
            "small.json: the network has 16 inputs and 10 outputs; to read digits",
        ),
        (["--plot", "a.docx", "seven.png"], "a.docx: its extension must be one of"),
        (["--json", "nowhere/a.json", "seven.png"], "is not a folder that can be written to"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_computed(pictures, arguments, message):
    network2.Network([16, 10], seed=0).save(pictures / "small.json")
    result = run(*arguments, cwd=pictures)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


def test_with_standard_output_closed_the_answers_are_still_written(pictures, tmp_path, monkeypatch):
    network2.Network([784, 10], seed=0).save(tmp_path / "net.json")
    arguments = ["--show", "--model", tmp_path / "net.json", "--json", tmp_path / "a.json", pictures / "seven.png"]
    monkeypatch.setattr("sys.argv", ["fastnet", "predict", *map(str, arguments)])
    monkeypatch.setattr("sys.stdout", None)  # as with >&- in a shell
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert (tmp_path / "a.json").exists()


def test_without_pillow_it_says_which_extra_installs_it(pictures):
    code = "import sys; sys.modules['PIL'] = None; from fastnet import cli; cli.main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "predict", "seven.png"], capture_output=True, text=True, cwd=pictures
    )
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'fastnet-nndl[predict]' installs it" in result.stderr
