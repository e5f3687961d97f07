"""More elements or fewer: arrays repeated, tiled, resized, padded and trimmed."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.chapters import implements, library_functions, on_device
from devarray.creation import empty, zeros
from devarray.layout import normalize_axis
from devarray.library import call_library
from devarray.manipulation import ALL, broadcast_to, is_small, numbers, ravel

__all__ = ["pad", "repeat", "resize", "tile"]

FEW = 4  # elements that are no loop of their own: NumPy repeats so few at a time faster


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> DeviceArray:
    """Return a copy with each element repeated along an axis; see `numpy.repeat`.

    Examples
    --------
    >>> import devarray as da
    >>> da.repeat(da.arange(3), 2)
    array([0, 0, 1, 1, 2, 2], device='openmp')
    """
    a = on_device(a)
    few = False
    if isinstance(repeats, (int, np.integer)):
        times = operator.index(repeats)
        behind = 1 if axis is None else math.prod(a.shape[normalize_axis(axis, a.ndim or 1) + 1 :])
        few = max(times, behind) <= FEW
    if few or not isinstance(repeats, (int, np.integer)):
        return call_library(np.repeat, (a, repeats), {"axis": axis})  # type: ignore[no-any-return]
    if axis is None or not a.ndim:
        a = a.ravel()
    axis = 0 if axis is None else normalize_axis(axis, a.ndim)
    if times < 0:
        raise ValueError("negative dimensions are not allowed")
    shape = a.shape
    wide = broadcast_to(
        a[(ALL,) * (axis + 1) + (None,)], (*shape[: axis + 1], times, *shape[axis + 1 :])
    )
    return wide.copy().reshape((*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


@implements(np.tile)
def tile(A: Any, reps: Any) -> DeviceArray:
    """Return an array put side by side with itself along each axis; see `numpy.tile`.

    Examples
    --------
    >>> import devarray as da
    >>> da.tile(da.arange(2), 2)
    array([0, 1, 0, 1], device='openmp')
    """
    a, reps = on_device(A), numbers(reps)
    times = [operator.index(n) for n in (reps if np.iterable(reps) else (reps,))]
    ndim = max(a.ndim, len(times))
    times = [1] * (ndim - len(times)) + times
    shape = (1,) * (ndim - a.ndim) + a.shape
    if any(n < 0 for n in times):
        raise ValueError("negative dimensions are not allowed")
    if ndim and 1 < shape[-1] <= FEW and times[-1] > 1:
        return call_library(np.tile, (a, reps), {})  # type: ignore[no-any-return]
    split = a.reshape(tuple(n for length in shape for n in (1, length)))
    pairs = zip(times, shape, strict=True)
    wide = broadcast_to(split, tuple(n for pair in pairs for n in pair))
    return wide.copy().reshape(tuple(n * m for n, m in zip(times, shape, strict=True)))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> DeviceArray:
    """Return the elements, from the first again after the last, in a shape; see `numpy.resize`.

    Examples
    --------
    >>> import devarray as da
    >>> da.resize(da.arange(2), (2, 2))
    array([[0, 1],
           [0, 1]], device='openmp')
    """
    a = ravel(a)
    new_shape = numbers(new_shape)
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    if not a.size:
        return zeros(shape, a.dtype, device=a.device)
    result = empty(shape, a.dtype, device=a.device)
    line = result.reshape(-1)
    times, rest = divmod(line.size, a.size)
    line[: times * a.size].reshape(times, a.size)[...] = a
    line[times * a.size :] = a[:rest]
    return result


# What a mode of `pad` may be told besides the widths, where the mode is ours.
PAD_OPTIONS: dict[str, tuple[str, ...]] = {
    "constant": ("constant_values",),
    "edge": (),
    "empty": (),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "wrap": (),
}
MOST_PIECES = 8  # stores a side that are worth more than NumPy's own padding


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> DeviceArray:
    """Return a copy with a border; see `numpy.pad`.

    Examples
    --------
    >>> import devarray as da
    >>> da.pad(da.arange(1, 4), (1, 2), mode="wrap")
    array([3, 1, 2, 3, 1, 2], device='openmp')
    """
    array, pad_width = on_device(array), numbers(pad_width)
    known = isinstance(mode, str) and mode in PAD_OPTIONS
    values = np.asarray(numbers(kwargs.get("constant_values", 0)))
    widths = _widths(pad_width, array.ndim)
    if (
        is_small(array)
        or not known
        or not set(kwargs) <= set(PAD_OPTIONS[mode])
        or kwargs.get("reflect_type", "even") != "even"
        or (values.dtype.kind == "c" and array.dtype.kind != "c")  # it warns
        or _pieces(array.shape, widths, mode) > MOST_PIECES
    ):
        result: DeviceArray = call_library(np.pad, (array, pad_width, mode), kwargs)
        return result
    result = empty(
        tuple(n + sum(width) for n, width in zip(array.shape, widths, strict=True)),
        array.dtype,
        device=array.device,
    )
    inner = [slice(left, left + n) for n, (left, _) in zip(array.shape, widths, strict=True)]
    result[(*inner, ...)] = array
    if mode == "empty":
        return result
    ends = _pairs(values, array.ndim)
    for axis, width in enumerate(widths):
        # the border along the axes before is there already, that along those behind is not
        band = result[(*(ALL,) * (axis + 1), *inner[axis + 1 :])]
        _pad_axis(band, axis, width, mode, ends[axis])
    return result


def _pairs(given: np.ndarray[Any, Any], ndim: int) -> list[Any]:
    """Return what is given for all axes, or for each, or for each side of each, for each side."""
    pairs: list[Any] = np.broadcast_to(given, (ndim, 2)).tolist()
    return pairs


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        by_axis = pad_width
        pad_width = [(0, 0)] * ndim
        for axis, width in by_axis.items():
            pad_width[axis] = (width, width) if isinstance(width, int) else width
    given = np.asarray(pad_width)
    if given.dtype.kind != "i":
        raise TypeError("`pad_width` must be of integral type.")
    if (given < 0).any():
        raise ValueError("index can't contain negative values")
    return [(left, right) for left, right in _pairs(given, ndim)]


def _pieces(shape: tuple[int, ...], widths: list[tuple[int, int]], mode: str) -> int:
    """Return how many stores the longest side takes."""
    if mode in ("constant", "edge", "empty"):
        return 1
    period = [max(n - (mode == "reflect"), 1) for n in shape]
    return max((-(-max(w) // n) for n, w in zip(period, widths, strict=True)), default=0)


def _pad_axis(band: Any, axis: int, width: tuple[int, int], mode: str, values: Any) -> None:
    """Fill the two ends of an axis; `band` has everything between them."""
    left, right = width
    stop = band.shape[axis] - right
    if not left and not right:
        return
    if mode != "constant" and stop == left:
        raise ValueError(
            f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
        )

    def part(first: int, last: int, step: int = 1) -> Any:
        key = slice(first, last) if step > 0 else slice(last - 1, first - 1 if first else None, -1)
        return band[(ALL,) * axis + (key,)]

    if mode == "constant":
        part(0, left)[...], part(stop, stop + right)[...] = values
    elif mode == "edge" or (mode == "reflect" and stop - left == 1):
        part(0, left)[...] = part(left, left + 1)
        part(stop, stop + right)[...] = part(stop - 1, stop)
    else:
        # pieces of the middle, one after the other outwards, each second one the other way round
        # unless the middle is just repeated; a reflected edge is not repeated
        skip, turns = int(mode == "reflect"), mode != "wrap"
        length = stop - left - skip
        for side, total in ((-1, left), (1, right)):
            for at in range(0, total, length):
                n = min(length, total - at)
                reverse = turns and at // length % 2 == 0
                from_start = (side < 0) == reverse
                first = left + skip if from_start else stop - skip - n
                piece = part(first, first + n, -1 if reverse else 1)
                target = left - at - n if side < 0 else stop + at
                part(target, target + n)[...] = piece


library_functions(globals(), "trim_zeros")
