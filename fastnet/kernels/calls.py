"""Calls by address, from the kernel `epoch` to the kernels `dense` and `images`.

The three kernels are separate, so that they can be compiled at the same time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PREPARE, FEED_FORWARD, BACKPROPAGATE, ACCUMULATE, CLEAR = range(5)
"""Steps of a mini-batch. `PREPARE`: transpose weights or filters. `FEED_FORWARD`: compute a layer's activations.
`BACKPROPAGATE`: compute the errors below a layer; for a dense layer above layer 0, also add the gradient of the weights
to the sums. `ACCUMULATE`: add the gradient of all other layers to the sums. `CLEAR`: set images to zero."""


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
