"""Copies between arrays and the host: `set`, `get` and their asynchronous forms."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.boundary import empty_pinned
from devarray.boundary import to_gpu as to_device
from devarray.device import Device
from devarray.runtime import evaluate

from ._order import inverse, memory_axes, permuted
from ._streams import core_stream

__all__ = ["Transfers", "on", "upload"]


def on(stream: Any, device: Device) -> AbstractContextManager[Any]:
    """Return a context in which work goes to a stream; None leaves the current one."""
    context: AbstractContextManager[Any]
    context = nullcontext() if stream is None else core_stream(stream, device)
    return context


def upload(ary: np.ndarray[Any, Any], struct: bool, device: Device, stream: Any = None) -> Any:
    """Return a copy of a host array on a device, with the axes in its order; structs as bytes.

    With a stream of devarray, `ary` is copied when the stream gets there, if it is contiguous.
    """
    axes = memory_axes(ary.shape, (ary.strides,))
    host = np.ascontiguousarray(ary.transpose(axes)).reshape([ary.shape[axis] for axis in axes])
    if not np.may_share_memory(host, ary):
        stream = None  # nobody keeps this copy until the stream gets there
    if struct:
        host = host.reshape(*host.shape, 1).view(np.uint8)
    return permuted(to_device(host, device, stream=stream), inverse(axes))


def _legacy(async_: bool, options: dict[str, Any], name: str) -> bool:
    """Return `async_`, which old programs pass as ``async``."""
    given = options.pop("async", async_)
    if options:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(options))!r}")
    return bool(given)


class Transfers:
    """The part of an array that copies from and to the host."""

    _array: DeviceArray
    _dtype: np.dtype[Any]
    _struct: bool
    shape: Any
    strides: Any
    size: Any

    def set(self, ary: Any, async_: bool = False, stream: Any = None, **legacy: Any) -> None:
        """Copy a host array into this one.

        Parameters
        ----------
        ary : numpy.ndarray
            Of the same size and dtype; another shape is taken in C order, with a warning.
        async_ : bool
            Return before the copy is made: `ary` must stay as it is until the stream has been
            synchronised.
        stream : Stream, optional

        Raises
        ------
        ValueError
            If size or dtype differ.
        TypeError
            If `ary` is no host array.
        """
        async_ = _legacy(async_, legacy, "set")
        if not isinstance(ary, np.ndarray):
            raise TypeError(f"set() takes a host array, got {type(ary).__name__}")
        if ary.size != self.size:
            raise ValueError(f"an array of {self.size} elements is set from one of {ary.size}")
        if ary.dtype != self._dtype:
            raise ValueError(
                f"an array of dtype {self._dtype} is set from one of {ary.dtype}: use "
                f"ary.astype({self._dtype.str!r})"
            )
        if ary.shape != self.shape:
            warnings.warn(
                f"an array of shape {self.shape} is set from one of shape {ary.shape}",
                stacklevel=2,
            )
            ary = ary.reshape(self.shape)
        device = self._array.device
        with on(stream, device):
            current = device.current_stream() if async_ else None
            self._array[...] = upload(ary, self._struct, device, current)
            if stream is not None:
                evaluate(self._array)

    def set_async(self, ary: Any, stream: Any = None) -> None:
        """Copy a host array, best page-locked, into this one without waiting; see `set`."""
        self.set(ary, async_=True, stream=stream)

    def get(
        self,
        ary: Any = None,
        pagelocked: bool = False,
        async_: bool = False,
        stream: Any = None,
        **legacy: Any,
    ) -> np.ndarray[Any, Any]:
        """Return the values as a host array.

        Parameters
        ----------
        ary : numpy.ndarray, optional
            Host array of the same size and dtype to copy to; by default a new one, contiguous with
            the axes in this array's order.
        pagelocked : bool
            Make the new array in page-locked memory.
        async_ : bool
            Return before the values are there; they are when the stream has been synchronised.
        stream : Stream, optional

        Raises
        ------
        ValueError
            If the size differs, or `ary` is read-only.
        TypeError
            If the dtype differs, or `ary` is no host array.
        """
        async_ = _legacy(async_, legacy, "get")
        if ary is None:
            ary = self._like_on_host(pagelocked)
            target = ary
        else:
            target = self._target(ary)
        device = self._array.device
        with on(stream, device):
            if self._struct:
                target[...] = self._array.get().view(self._dtype).reshape(self.shape)
            else:
                self._array.get(target, blocking=not async_)
        if target.shape != ary.shape and not np.shares_memory(target, ary):
            ary[...] = target.reshape(ary.shape)
        return ary  # type: ignore[no-any-return]

    def get_async(self, stream: Any = None, ary: Any = None) -> np.ndarray[Any, Any]:
        """Return the values as a host array that is filled when the stream gets there; see `get`.

        A new array is in page-locked memory.
        """
        return self.get(ary, pagelocked=ary is None, async_=True, stream=stream)

    def _like_on_host(self, pagelocked: bool) -> np.ndarray[Any, Any]:
        shape = self.shape
        axes = memory_axes(shape, (self.strides,))
        slow = tuple(shape[axis] for axis in axes)
        if pagelocked:
            made = empty_pinned(slow, self._dtype, device=self._array.device)
        else:
            made = np.empty(slow, self._dtype)
        return made.transpose(inverse(axes))

    def _target(self, ary: Any) -> np.ndarray[Any, Any]:
        """Return a host array to copy to as one of this array's shape."""
        if not isinstance(ary, np.ndarray):
            raise TypeError(f"get() fills a host array, got {type(ary).__name__}")
        if ary.size != self.size:
            raise ValueError(f"{self.size} elements do not go into a host array of {ary.size}")
        if ary.dtype != self._dtype:
            raise TypeError(f"elements of {self._dtype} do not go into an array of {ary.dtype}")
        if ary.shape == self.shape:
            return ary
        warnings.warn(
            f"an array of shape {self.shape} is copied to one of shape {ary.shape}",
            DeprecationWarning,
            stacklevel=3,
        )
        return ary.reshape(self.shape)
