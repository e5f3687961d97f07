"""Assertions for tests: those of `numpy.testing`, for device and host arrays.

Transfers are made here on purpose: a test looks at values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.array import DeviceArray

__all__ = [
    "assert_allclose",
    "assert_array_almost_equal",
    "assert_array_equal",
    "assert_array_less",
    "assert_equal",
]


def _on_host(x: Any) -> Any:
    if isinstance(x, DeviceArray):
        return x.get()
    if type(x) in (list, tuple):
        return type(x)(_on_host(item) for item in x)
    return x


def _assertion(name: str) -> Callable[..., None]:
    compare = getattr(np.testing, name)

    def assertion(actual: Any, desired: Any, *args: Any, **options: Any) -> None:
        compare(_on_host(actual), _on_host(desired), *args, **options)

    assertion.__name__ = assertion.__qualname__ = name
    assertion.__doc__ = f"Compare as `numpy.testing.{name}` does; device arrays are copied to it."
    return assertion


assert_allclose = _assertion("assert_allclose")
assert_array_almost_equal = _assertion("assert_array_almost_equal")
assert_array_equal = _assertion("assert_array_equal")
assert_array_less = _assertion("assert_array_less")
assert_equal = _assertion("assert_equal")
