"""The list of kernels and argument types that `fastnet compile` compiles."""

import contextlib

import pytest

from fastnet.compilation.kernels import kernels, specializations
from fastnet.kernels import epoch, inputs, parallel_compilation
from fastnet.kernels.compiler import is_kernel, on_compilation


@pytest.fixture(scope="module")
def found():
    """All specializations of kernels. The fixture checks that listing them compiles nothing."""
    compiled = []
    before = epoch.epoch, inputs._fill, parallel_compilation.compile_all, parallel_compilation.address_of
    with on_compilation(lambda: contextlib.nullcontext(compiled.append(True))):
        found = specializations()
    assert not compiled
    assert before == (epoch.epoch, inputs._fill, parallel_compilation.compile_all, parallel_compilation.address_of)
    return found


def test_no_kernel_is_left_out(found):
    names = {(module.__name__, name) for module, name in kernels()}
    assert names >= {(f"fastnet.kernels.{each}", each) for each in ("epoch", "dense", "images")}
    assert {(each.module, each.name) for each in found} == names
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", ["epoch", "images"])
def test_networks_have_two_precisions_and_three_forms_of_inputs(found, name):
    forms = [
        form.format(dtype=f"[{dtype}]")
        for dtype in ("float32", "float64")
        for form in ("Matrix({dtype},int64)", "Rows([int64],[uint16],{dtype})", "Rows([int64],[uint32],{dtype})")
    ]
    inputs_of = [str(each) for spec in found if spec.name == name for each in spec.types]
    assert sorted(each for each in inputs_of if each.startswith(("Matrix", "Rows"))) == sorted(forms)


def test_products_of_dense_layers_have_two_precisions(found):
    assert len([each for each in found if each.name == "dense"]) == 2


def test_a_part_is_no_kernel():
    assert is_kernel(epoch.epoch)
    assert not is_kernel(epoch.divisor_of)
    assert not is_kernel(specializations)
