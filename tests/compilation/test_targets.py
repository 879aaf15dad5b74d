"""The names of the processors for which kernels can be compiled."""

import platform

import pytest

from fastnet.compilation import targets
from fastnet.compilation.targets import environment_of
from fastnet.kernels.processors import LEVELS

x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs an x86-64 processor")


def test_this_processor():
    assert environment_of("native") == {}


@x86
@pytest.mark.parametrize("name", LEVELS)
def test_a_level(name):
    assert environment_of(name) == {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": LEVELS[name].features}


@x86
@pytest.mark.parametrize(("name", "features"), [("znver4", "+avx512f"), ("haswell", "+avx"), ("nehalem", "")])
def test_of_a_name_of_llvm_the_width_of_registers_is_found_out(name, features):
    assert environment_of(name) == {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}


@pytest.mark.parametrize("name", ["", "no such", "x86-64-v9", "-h", "a\0b"])
def test_an_unknown_name_of_a_processor(name):
    with pytest.raises(ValueError, match=r"^processor is .*; it must be native, x86-64-v3, x86-64-v4, or LLVM's name"):
        environment_of(name)


@x86
def test_modules_in_the_current_folder_are_not_imported_in_place_of_others(monkeypatch, tmp_path):
    (tmp_path / "llvmlite.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert environment_of("haswell")["NUMBA_CPU_FEATURES"] == "+avx"


def test_where_llvm_cannot_be_asked_the_name_is_not_blamed(monkeypatch):
    monkeypatch.setattr(targets, "_REGISTERS", "1 / 0")
    with pytest.raises(OSError, match=r"^LLVM cannot be asked .* znver4: ZeroDivisionError: division by zero$"):
        environment_of("znver4")


def test_a_level_on_another_architecture(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ValueError, match="'x86-64-v3', but this machine is aarch64; use 'native' for this machine"):
        environment_of("x86-64-v3")
