"""The vector types of CUDA C as dtypes: ``vec.float3``, ``vec.make_float3(x, y, z)``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["vec"]

# name in CUDA C -> dtype of a component, and how many components there can be
_COMPONENTS = {
    "char": ("i1", 4), "uchar": ("u1", 4), "short": ("i2", 4), "ushort": ("u2", 4),
    "int": ("i4", 4), "uint": ("u4", 4), "long": ("l", 4), "ulong": ("L", 4), "float": ("f4", 4),
    "longlong": ("i8", 2), "ulonglong": ("u8", 2), "double": ("f8", 2),
}  # fmt: skip


def _maker(name: str, dtype: np.dtype[Any]) -> Any:
    names = dtype.names or ()

    def make(*components: Any) -> np.ndarray[Any, Any]:
        if len(components) != len(names):
            raise TypeError(
                f"make_{name} takes {len(names)} components ({', '.join(names)}), got "
                f"{len(components)}"
            )
        return np.array(components, dtype)

    make.__name__ = make.__qualname__ = f"make_{name}"
    make.__doc__ = f"Return a 0-d host array of `{name}` with the components {', '.join(names)}."
    return make


def _types() -> SimpleNamespace:
    found: dict[str, Any] = {"types": {}}  # types: by dtype of a component and their number
    for kind, (code, most) in _COMPONENTS.items():
        for count in range(1, most + 1):
            name = f"{kind}{count}"
            dtype = np.dtype([(letter, code) for letter in "xyzw"[:count]])
            found[name] = found["types"][np.dtype(code), count] = dtype
            found[f"make_{name}"] = _maker(name, dtype)
    return SimpleNamespace(**found)


vec = _types()
