"""Compare what a library makes of device arrays with what it makes of host arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import devarray as da

__all__ = ["on_device", "same"]


def on_device(x: Any) -> Any:
    """Return an argument with its host arrays on the device."""
    if isinstance(x, np.ndarray):
        return da.to_gpu(x)
    if type(x) in (list, tuple):
        return type(x)([on_device(item) for item in x])
    return x


def same(got: Any, wanted: Any, rtol: float = 1e-12, atol: float = 1e-13) -> None:
    """Assert that a result is on the device wherever NumPy's is an array, and equal to it.

    NumPy's scalars have 0-d device arrays as counterparts. Sums may be added in another order, so
    values agree up to some units in the last place.
    """
    if isinstance(wanted, (np.ndarray, np.generic)):
        assert isinstance(got, da.DeviceArray), f"not a device array: {type(got)}"
        assert got.shape == wanted.shape
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got.get(), wanted, rtol=rtol, atol=atol)
    elif isinstance(wanted, (list, tuple)):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            same(one, other, rtol, atol)
    elif isinstance(wanted, float):
        np.testing.assert_allclose(float(got), wanted, rtol=rtol, atol=atol)
    else:
        assert got == wanted
