"""Calls by address, from the kernel `epoch` to the kernels `dense` and `images`.

The three kernels are separate, so that they can be compiled at the same time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PREPARE, FEED_FORWARD, BACKPROPAGATE, ACCUMULATE, CLEAR = range(5)
"""Steps of a mini-batch. `PREPARE`: transpose weights or filters. `FEED_FORWARD`: multiply the weights and inputs of a
dense layer, or compute the activations of a layer that outputs images. `BACKPROPAGATE`: compute the errors below a
layer, and add the gradient of a dense layer's weights, or of gamma, to the sums. `ACCUMULATE`: add the gradient of the
weights of layer 0 or of a convolution to the sums; for layers that output images, also that of the biases. `CLEAR`: set
images to zero."""


@intrinsic
def call(typing_context: Any, address: Any, *arguments: Any) -> Any:
    """Call the kernel at an address. The kernel must return nothing."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        given = [context.get_value_type(each) for each in signature.args[1]]
        function = ir.FunctionType(context.get_value_type(types.none), given)
        numbers = [builder.extract_value(values[1], i) for i in range(len(given))]
        builder.call(builder.inttoptr(values[0], function.as_pointer()), numbers)
        return context.get_dummy_value()

    return types.void(address, types.StarArgTuple.from_types(arguments)), generate
