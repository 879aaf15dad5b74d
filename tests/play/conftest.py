import pytest

for library in ("websockets", "PIL", "scipy"):
    pytest.importorskip(library)
