"""NumPy's functions over dpnp's arrays, where dpnp's own are not quite NumPy's.

What is said here of dpnp was seen with dpnp 0.20. Functions in `_OWN` stand in place of dpnp's. All
others are called as their signatures want: parameters that only NumPy allows by position or by
name, lists and numbers where dpnp wants arrays, and the queue where there is no array to tell it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import dpnp
import numpy as np

from devarray.backends.counterparts import find_counterpart
from devarray.backends.dpnp_calls import Call
from devarray.errors import UnsupportedError

__all__ = ["Functions"]


class Functions:
    """The functions of a device's library, by NumPy's functions.

    Parameters
    ----------
    device : str
        The device's name, for messages.
    queue : callable
        It returns the queue in which functions without an array work.
    """

    def __init__(self, device: str, queue: Callable[[], Any]) -> None:
        self._device = device
        self._queue = queue
        self._found: dict[Any, Callable[..., Any]] = {}

    def find(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what is called with arrays of dpnp's in place of NumPy's `function`.

        Raises
        ------
        UnsupportedError
            If dpnp has nothing of the kind.
        """
        found = self._found.get(function)
        if found is not None:
            return found
        if function in _REFUSED:
            raise UnsupportedError(
                f"dpnp, the library of device {self._device}, has no numpy.{function.__name__} "
                f"{_REFUSED[function]}: use .get() and NumPy's, or other functions"
            )
        own = _OWN.get(function)
        if own is None:
            own = find_counterpart(function, dpnp, dpnp.ndarray, self._device)
        if own is function or not _is_of_numpy(function):
            return own
        self._found[function] = made = Call(function, own, self._device, self._queue)
        return made


def _is_of_numpy(function: Any) -> bool:
    """Say whether it is a function of NumPy's, and no method of a ufunc or an array."""
    module = getattr(function, "__module__", None)
    return (module is not None and not isinstance(function, np.ufunc)) or function in _PRODUCTS


# ---- indices: `devarray.bounds` has checked those that must be in bounds


def _integers(indices: Any) -> Any:
    if not np.can_cast(indices.dtype, np.intp, "same_kind") and indices.size:
        raise TypeError(f"Cannot cast array data from {indices.dtype!r} to {np.dtype(np.intp)!r}")
    return indices.astype(np.intp, copy=False)


def _moved_inside(indices: Any, length: int, mode: str) -> Any:
    """Return indices as NumPy's mode has them: dpnp's own "wrap" and "clip" mean something else."""
    indices = _integers(indices)
    if mode == "raise":
        return indices
    if mode == "wrap":
        return indices % max(length, 1)
    if mode == "clip":
        return dpnp.clip(indices, 0, max(length - 1, 0))
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")


def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if axis is None or not a.ndim:
        a, axis = a.reshape(-1), 0 if axis is None else axis
    axis = operator.index(axis)
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    axis %= a.ndim
    length = a.shape[axis]
    if indices.size and not length:
        raise IndexError("cannot do a non-empty take from an empty axes.")
    result = dpnp.take(a, _moved_inside(indices, length, mode), axis=axis)
    return _into(out, result)


def _into(out: Any, result: Any) -> Any:
    """Return a result, or the array it was to be written to."""
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError(f"output array has shape {out.shape}, not {result.shape}")
    out[...] = result.astype(out.dtype, casting="unsafe", copy=False)
    return out


def _put(a: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    if not indices.size:
        return
    if not a.size:
        raise IndexError("cannot replace elements of an empty array")
    if not values.size:
        return
    indices = _moved_inside(indices.reshape(-1), a.size, mode)
    values = values.astype(a.dtype, casting="unsafe", copy=True).reshape(-1)
    if values.size < indices.size:
        values = dpnp.tile(values, -(-indices.size // values.size))
    if a.ndim:
        dpnp.put(a, indices, values[: indices.size])
    else:  # dpnp writes nothing
        a[...] = values[indices.size - 1]


def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    choices = list(choices)
    kind = np.result_type(*[choice.dtype for choice in choices])
    a, *choices = dpnp.broadcast_arrays(a, *[choice.astype(kind, copy=False) for choice in choices])
    a = _moved_inside(a, len(choices), mode)
    if not a.size:
        return _into(out, choices[0].copy())
    stacked = dpnp.stack([choice.reshape(-1) for choice in choices])
    places = a.reshape(-1) * a.size + dpnp.arange(a.size, sycl_queue=a.sycl_queue)
    return _into(out, dpnp.take(stacked.reshape(-1), places).reshape(a.shape))


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    flat = arr.reshape(-1) if axis is None else arr
    values = values.astype(arr.dtype, casting="unsafe", copy=True)
    dpnp.put_along_axis(flat, indices, values, 0 if axis is None else axis)
    if not _overlap(flat, arr):
        arr[...] = flat.reshape(arr.shape)


def _overlap(a: Any, b: Any) -> bool:
    """Say whether the memory between the first and the last element of two arrays overlaps."""
    if not a.size or not b.size:
        return False
    (first, behind), (start, end) = dpnp.byte_bounds(a), dpnp.byte_bounds(b)
    return bool(first < end and start < behind)


def _place(arr: Any, mask: Any, vals: Any) -> None:
    """Do what `numpy.place` does: dpnp wants values of the same dtype, and fails for some."""
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    (chosen,) = dpnp.nonzero(mask.reshape(-1))
    if chosen.size and not vals.size:
        raise ValueError("Cannot insert from an empty array!")
    _put(arr, chosen, vals)


# ---- products: dpnp has none of float16 in places, and adds in float16 in others


def _in_float32(name: str) -> Callable[..., Any]:
    found = functools.reduce(getattr, name.split("."), dpnp)

    @functools.wraps(found)
    def product(*args: Any, out: Any = None, **options: Any) -> Any:
        if isinstance(out, tuple):
            (out,) = out
        kinds = [x.dtype for x in _flat([*args, *options.values()])]
        if name == "einsum" and len(kinds) < 2:  # its result may be a view
            kinds = []
        if not kinds or np.result_type(*kinds) != np.float16 or options.get("dtype") is not None:
            if out is not None:
                options["out"] = out
            return found(*args, **options)
        lifted = [_lifted(x) for x in args]
        named = {key: _lifted(x) for key, x in options.items()}
        return _into(out, found(*lifted, **named).astype(np.float16))

    return product


def _flat(values: Any) -> list[Any]:
    found = []
    for value in values:
        if isinstance(value, dpnp.ndarray):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _flat(value)
    return found


def _lifted(value: Any) -> Any:
    if isinstance(value, dpnp.ndarray):
        return value.astype(np.float32)
    if isinstance(value, (list, tuple)):
        return type(value)([_lifted(item) for item in value])
    return value


# ---- sets


def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """Do what `numpy.unique` does: dpnp gives different NaN the same number."""
    if axis is not None:
        found = dpnp.unique(
            ar, return_index, return_inverse, return_counts, axis, equal_nan=equal_nan
        )
        return found
    flat = ar.reshape(-1)
    order = dpnp.argsort(flat, kind="stable")
    values = flat[order]
    first = dpnp.ones(values.shape, dtype=bool, sycl_queue=ar.sycl_queue)
    if values.size:
        first[1:] = values[1:] != values[:-1]
        if equal_nan and values.dtype.kind in "fc":
            first[1:] &= ~(dpnp.isnan(values[1:]) & dpnp.isnan(values[:-1]))
    found = [values[first]]
    if return_index:
        found.append(order[first])
    if return_inverse:
        inverse = dpnp.empty_like(order)
        inverse[order] = dpnp.cumsum(first, dtype=order.dtype) - 1
        found.append(inverse.reshape(ar.shape))
    if return_counts:
        (starts,) = dpnp.nonzero(first)
        found.append(dpnp.diff(starts, append=values.size).astype(order.dtype))
    return found[0] if len(found) == 1 else tuple(found)


def _unique_all(x: Any) -> Any:
    made = type(np.unique_all(np.zeros(1)))
    return made(*_unique(x, True, True, True, equal_nan=False))


def _unique_inverse(x: Any) -> Any:
    made = type(np.unique_inverse(np.zeros(1)))
    return made(*_unique(x, return_inverse=True, equal_nan=False))


def _unique_counts(x: Any) -> Any:
    made = type(np.unique_counts(np.zeros(1)))
    return made(*_unique(x, return_counts=True, equal_nan=False))


# ---- others


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Do what `numpy.repeat` does: numbers below 0 of nothing, of an array of no dimension."""
    if axis is None or not a.ndim:
        a, axis = a.reshape(-1), 0 if axis is None else axis
    if isinstance(repeats, dpnp.ndarray):
        repeats = _integers(repeats)
    else:
        repeats = np.asarray(repeats)
        casting: Any = "same_kind" if repeats.ndim else "unsafe"
        repeats = repeats.astype(np.intp, casting=casting)
        repeats = int(repeats.reshape(-1)[0]) if repeats.size == 1 else repeats.tolist()
    if isinstance(repeats, int) and repeats < 0 and -a.ndim <= axis < a.ndim and not a.shape[axis]:
        repeats = 0
    return dpnp.repeat(a, repeats, axis)


def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Do what `numpy.digitize` does, which wants bins in order."""
    if bins.ndim == 1 and bins.size > 1:
        steps = bins[1:] >= bins[:-1], bins[1:] <= bins[:-1]
        if not any(bool(step.all()) for step in steps):
            raise ValueError("bins must be monotonically increasing or decreasing")
    return dpnp.digitize(x, bins, right)


def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Do what `numpy.interp` does, whose `x` has any dimensions.

    With a period, dpnp writes to `x` and `xp`.
    """
    copy = period is not None
    flat, xp = x.reshape(-1).astype(float, copy=copy), xp.astype(float, copy=copy)
    return dpnp.interp(flat, xp, fp, left, right, period).reshape(x.shape)


def _tile(A: Any, reps: Any) -> Any:
    """Do what `numpy.tile` does, also for a list."""
    return dpnp.tile(A, tuple(reps) if np.iterable(reps) else reps)


def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Do what `numpy.round` does: dpnp makes NaN of a part beside an infinite one."""
    if a.dtype.kind != "c":
        return dpnp.round(a, decimals, out)
    result = dpnp.empty_like(a)
    result.real, result.imag = dpnp.round(a.real, decimals), dpnp.round(a.imag, decimals)
    return _into(out, result)


def _without_order(found: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that sorts refuse names of fields as NumPy does: there are none."""

    @functools.wraps(found)
    def sorts(*args: Any, order: Any = None, **options: Any) -> Any:
        if order is not None:
            raise ValueError("Cannot specify order when the array has no fields.")
        return found(*args, **options)

    return sorts


@functools.wraps(dpnp.argsort)
def _argsort(a: Any, axis: Any = -1, **options: Any) -> Any:
    """To NumPy, an array without axes has one for this function."""
    return dpnp.argsort(a if a.ndim else a.reshape(1), axis, **options)


# What devarray asks for is not what dpnp has under the name, and there is no error.
_REFUSED: dict[Any, str] = {
    np.std: "in another kind of numbers",
    np.var: "in another kind of numbers",
}
_PRODUCTS = (np.matmul, np.vecdot, np.matvec, np.vecmat)
_OWN: dict[Any, Callable[..., Any]] = {
    np.argsort: _without_order(_argsort),
    np.choose: _choose,
    np.digitize: _digitize,
    np.interp: _interp,
    np.place: _place,
    np.put: _put,
    np.put_along_axis: _put_along_axis,
    np.repeat: _repeat,
    np.round: _round,
    np.sort: _without_order(dpnp.sort),
    np.take: _take,
    np.tile: _tile,
    np.unique: _unique,
    np.unique_all: _unique_all,
    np.unique_counts: _unique_counts,
    np.unique_inverse: _unique_inverse,
    **{
        getattr(np, name): _in_float32(name)
        for name in [
            "dot",
            "einsum",
            "inner",
            "matmul",
            "matvec",
            "tensordot",
            "vdot",
            "vecdot",
            "vecmat",
        ]
    },
}
