"""`einops.rearrange`, `reduce`, `repeat` and the rest on device arrays.

einops looks the type of an array up among the subclasses of its backend class; importing this
module adds one. (`einops.array_api` has `rearrange`, `reduce`, `repeat`, `pack` and `unpack` for
any namespace of the Array API standard and needs no registration.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from einops._backends import AbstractBackend

import devarray as da

__all__ = ["DevarrayBackend"]


class DevarrayBackend(AbstractBackend):
    """What einops calls on device arrays."""

    framework_name = "devarray"

    def is_appropriate_type(self, tensor: Any) -> bool:
        """Return whether einops shall use this backend for an argument."""
        return isinstance(tensor, da.DeviceArray)

    def from_numpy(self, x: np.ndarray[Any, Any]) -> da.DeviceArray:
        """Return a host array on the device."""
        return da.to_gpu(x)

    def to_numpy(self, x: da.DeviceArray) -> np.ndarray[Any, Any]:
        """Return a device array on the host."""
        return x.get()

    def arange(self, start: int, stop: int) -> da.DeviceArray:
        """Return the integers from `start` up to `stop`."""
        return da.arange(start, stop)

    def stack_on_zeroth_dimension(self, tensors: list[da.DeviceArray]) -> da.DeviceArray:
        """Return the arrays of a list as one, along a new first axis."""
        return da.stack(tensors)

    def tile(self, x: da.DeviceArray, repeats: tuple[int, ...]) -> da.DeviceArray:
        """Return the array repeated along axes of length 1, as a view where that is all."""
        shape = tuple(n * times for n, times in zip(x.shape, repeats, strict=True))
        if all(n == 1 or times == 1 for n, times in zip(x.shape, repeats, strict=True)):
            return da.broadcast_to(x, shape)
        return da.tile(x, repeats)

    def concat(self, tensors: list[da.DeviceArray], axis: int) -> da.DeviceArray:
        """Return the arrays joined along an axis."""
        return da.concatenate(tensors, axis=axis)

    def is_float_type(self, x: da.DeviceArray) -> bool:
        """Return whether means may be taken of the elements."""
        return x.dtype.kind in "fc"

    def add_axis(self, x: da.DeviceArray, new_position: int) -> da.DeviceArray:
        """Return a view with an axis of length 1 added."""
        return da.expand_dims(x, new_position)

    def einsum(self, pattern: str, *x: da.DeviceArray) -> da.DeviceArray:
        """Return Einstein's sum; see `numpy.einsum`."""
        result: da.DeviceArray = da.einsum(pattern, *x)
        return result
