"""A dry run of the pickle in a file of `torch.save`, before PyTorch reads the file.

`torch.load(weights_only=True)` calls only functions that PyTorch allows. But PyTorch imports modules to compare the
names in a file with these functions. The dry run executes the same pickle instructions, with harmless replacements for
the functions. The dry run refuses a file that names any function not needed to make tensors.
"""

from __future__ import annotations

import io
import pickle
from typing import IO, Any, ClassVar

_MOST_BYTES = 1 << 18  # largest number of bytes of a pickle, about 200 for a layer; a longer pickle is refused
_NAMES = {
    ("collections", "OrderedDict"): dict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: None,
}
_INSTRUCTIONS = (
    pickle.PROTO + pickle.STOP + pickle.MARK + pickle.GLOBAL + pickle.REDUCE + pickle.BINPERSID
    + pickle.BINPUT + pickle.LONG_BINPUT + pickle.BINGET + pickle.LONG_BINGET
    + pickle.EMPTY_TUPLE + pickle.TUPLE + pickle.TUPLE1 + pickle.TUPLE2 + pickle.TUPLE3
    + pickle.EMPTY_LIST + pickle.APPEND + pickle.APPENDS + pickle.EMPTY_DICT + pickle.SETITEM + pickle.SETITEMS
    + pickle.NONE + pickle.NEWTRUE + pickle.NEWFALSE + pickle.BINUNICODE + pickle.BINFLOAT
    + pickle.BININT + pickle.BININT1 + pickle.BININT2 + pickle.LONG1
)  # fmt: skip


def check(file: IO[bytes]) -> None:
    """Raise an error if a pickle holds more than tensors and plain data.

    Raises
    ------
    pickle.UnpicklingError
        If the pickle holds more than tensors and plain data, is longer than 256 KiB, or is damaged.
    """
    contents = file.read(_MOST_BYTES + 1)
    if len(contents) > _MOST_BYTES:
        raise pickle.UnpicklingError("it is longer than the pickle of any network")
    try:
        _CheckingUnpickler(io.BytesIO(contents)).load()
    except (ArithmeticError, AttributeError, EOFError, LookupError, TypeError, ValueError) as error:
        raise pickle.UnpicklingError(str(error)) from None


class _CheckingUnpickler(pickle._Unpickler):
    """An unpickler that executes the instructions of a pickle, but makes only plain data and containers."""

    dispatch: ClassVar = {code: pickle._Unpickler.dispatch[code] for code in _INSTRUCTIONS}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name.endswith("Storage"):  # a storage class names the dtype of a tensor
            return None
        return _NAMES[module, name]

    def persistent_load(self, description: object) -> None:
        """Return None instead of the numbers of a tensor."""
