"""Dask arrays whose chunks are device arrays.

Import this module once in each process that computes (``distributed.worker.preload`` names it for
workers). Dask finds functions of chunks in tables by type; here they are filled, and ``devarray``
becomes a backend: ``dask.config.set({"array.backend": "devarray"})`` lets `dask.array.ones` and
its like create device arrays, and ``x.to_backend("devarray")`` moves chunks there.
"""

from __future__ import annotations

import math
from typing import Any

import dask
import dask.array as dask_array
import numpy as np
from dask.array import backends
from dask.array.dispatch import (
    concatenate_lookup,
    divide_lookup,
    einsum_lookup,
    empty_lookup,
    nannumel_lookup,
    numel_lookup,
    percentile_lookup,
    take_lookup,
    tensordot_lookup,
    to_numpy_dispatch,
)
from dask.array.numpy_compat import divide
from dask.array.percentile import _percentile
from dask.sizeof import sizeof
from dask.tokenize import normalize_token
from dask.utils import Dispatch

import devarray as da

__all__ = ["DevarrayBackend", "to_devarray"]

concatenate_lookup.register(da.DeviceArray, np.concatenate)
divide_lookup.register(da.DeviceArray, divide)
tensordot_lookup.register(da.DeviceArray, np.tensordot)
percentile_lookup.register(da.DeviceArray, _percentile)

to_devarray = Dispatch("to_devarray")  # returns a chunk as a device array
to_devarray.register(np.ndarray, da.to_gpu)


@to_devarray.register(da.DeviceArray)
def _same(chunk: da.DeviceArray, **options: Any) -> da.DeviceArray:
    return chunk


@to_numpy_dispatch.register(da.DeviceArray)
def _to_numpy(chunk: da.DeviceArray, **options: Any) -> np.ndarray[Any, Any]:
    return chunk.get()


@sizeof.register(da.DeviceArray)
def _bytes(chunk: da.DeviceArray) -> int:
    return max(1, chunk.nbytes)


@normalize_token.register(da.DeviceArray)
def _token(chunk: da.DeviceArray) -> Any:
    return chunk.__dask_tokenize__()


@empty_lookup.register(da.DeviceArray)
def _empty(shape: Any, dtype: Any = float, order: str = "C") -> da.DeviceArray:
    return da.empty(shape, dtype=dtype, order=order)


@take_lookup.register(da.DeviceArray)
def _take(chunk: da.DeviceArray, indices: Any, axis: int | None = None) -> da.DeviceArray:
    # positions that Dask has made on the host
    result: da.DeviceArray = da.take(chunk, da.asarray(indices, device=chunk.device), axis=axis)
    return result


@einsum_lookup.register(da.DeviceArray)
def _einsum(*operands: Any, **options: Any) -> da.DeviceArray:
    result: da.DeviceArray = da.einsum(*operands, **options)
    return result


@numel_lookup.register(da.DeviceArray)
def _numel(
    x: da.DeviceArray, axis: Any = None, keepdims: bool = False, dtype: Any = np.float64, **_: Any
) -> da.DeviceArray:
    """Return how many elements a reduction of a chunk takes in, in the shape of its result."""
    every = range(x.ndim) if axis is None else np.atleast_1d(axis)
    gone = {int(a) % x.ndim for a in every}
    count = math.prod(x.shape[a] for a in gone)
    shape = tuple(1 if a in gone else n for a, n in enumerate(x.shape) if keepdims or a not in gone)
    return da.full(shape, count, dtype=dtype, device=x.device)


@nannumel_lookup.register(da.DeviceArray)
def _nannumel(x: da.DeviceArray, **options: Any) -> da.DeviceArray:
    """Return how many elements that are not NaN a reduction of a chunk takes in."""
    result: da.DeviceArray = np.sum(~np.isnan(x), **options)
    return result


class DevarrayBackend(backends.ArrayBackendEntrypoint):
    """The creation functions of `dask.array`, with chunks that are device arrays."""

    @classmethod
    def to_backend_dispatch(cls) -> Any:
        """Return the function that moves a chunk to a device."""
        return to_devarray

    @classmethod
    def to_backend(cls, data: Any, **options: Any) -> Any:
        """Return a Dask array with the chunks of another on a device."""
        if isinstance(data._meta, da.DeviceArray):
            return data
        return data.map_blocks(to_devarray, meta=to_devarray(data._meta), **options)

    @staticmethod
    def ones(*args: Any, **options: Any) -> Any:
        """See `dask.array.ones`."""
        return _created(dask_array.ones, args, options)

    @staticmethod
    def zeros(*args: Any, **options: Any) -> Any:
        """See `dask.array.zeros`."""
        return _created(dask_array.zeros, args, options)

    @staticmethod
    def empty(*args: Any, **options: Any) -> Any:
        """See `dask.array.empty`."""
        return _created(dask_array.empty, args, options)

    @staticmethod
    def full(*args: Any, **options: Any) -> Any:
        """See `dask.array.full`."""
        return _created(dask_array.full, args, options)

    @staticmethod
    def arange(*args: Any, **options: Any) -> Any:
        """See `dask.array.arange`."""
        return _created(dask_array.arange, args, options, like="like")


def _created(function: Any, args: Any, options: dict[str, Any], like: str = "meta") -> Any:
    """Call Dask's own function, with an array of ours that says what the chunks are to be."""
    if options.get(like) is None:
        options[like] = da.empty(0)
    with dask.config.set({"array.backend": "numpy"}):
        return function(*args, **options)


backends.array_creation_dispatch.register_backend("devarray", DevarrayBackend())
