"""What distributions are given: sizes, parameters, `out`; and NumPy's words for what is wrong."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from devarray.array import DeviceArray
from devarray.asknumpy import raise_as_numpy
from devarray.boundary import to_gpu
from devarray.device import Device
from devarray.errors import DevarrayError
from devarray.kernels.ops import canonical
from devarray.layout import Shape, broadcast_shapes
from devarray.operands import refuse_host

__all__ = [
    "NON_NEGATIVE", "POSITIVE", "PROBABILITY", "Rule", "as_size", "broadcast", "check_triangle",
    "check_width", "float_dtype", "host_values", "integer_bounds", "integer_dtype", "out_size",
    "parameter", "store", "with_numpys_errors",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")
F8 = np.dtype(np.float64)
FLOATS = (F8, np.dtype(np.float32))

_MOST = 100_000  # elements up to which NumPy is asked what is wrong with a call


class Rule(NamedTuple):
    """What a parameter must not be, and what NumPy says if it is."""

    broken: Callable[[Any], Any]
    words: str

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError if an element of `value`, a host or device array, breaks the rule."""
        if bool(np.any(self.broken(value))):
            raise ValueError(self.words.format(name))


NON_NEGATIVE = Rule(lambda x: np.signbit(x) & (x == x), "{0} < 0")
POSITIVE = Rule(lambda x: x <= 0, "{0} <= 0")
PROBABILITY = Rule(lambda x: ~((x > 0) & (x <= 1)), "{0} <= 0, {0} > 1 or {0} contains NaNs")


def parameter(name: str, value: Any, device: Device, rule: Rule | None = None) -> Any:
    """Return a parameter as a float, or as a device array of float64 if it has a dimension.

    Device arrays stay device arrays; if there is a rule, they are evaluated to be checked.
    """
    if isinstance(value, DeviceArray):
        array = value.astype(F8, casting="safe", copy=False)
        if rule is not None:
            rule.check(name, array)
        return array
    refuse_host(value, "in a call of a random generator")
    if value is None:  # NumPy's cast would make it NaN
        raise TypeError("must be real number, not NoneType")
    host = np.asarray(value, F8)
    if rule is not None:
        rule.check(name, host)
    return to_gpu(host, device) if host.ndim else host.item()


def check_width(width: Any) -> None:
    """Raise for intervals of `uniform` that are infinite or have their ends the wrong way round."""
    if not bool(np.all(np.isfinite(width))):
        raise OverflowError("Range exceeds valid bounds")
    NON_NEGATIVE.check("high - low", width)


def check_triangle(left: Any, mode: Any, right: Any) -> None:
    """Raise for corners of `triangular` that are not in order."""
    for broken, words in (
        (left > mode, "left > mode"),
        (mode > right, "mode > right"),
        (left == right, "left == right"),
    ):
        if bool(np.any(broken)):
            raise ValueError(words)


def integer_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype of random integers."""
    found = np.dtype(dtype)
    if not found.isnative:
        raise ValueError("Providing a dtype with a non-native byteorder is not supported.")
    if found.kind not in "bui":
        raise TypeError(f"Unsupported dtype {found!r} for integers")
    return canonical(found)


def integer_bounds(
    low: Any, high: Any, dtype: np.dtype[Any], endpoint: bool, device: Device
) -> tuple[Any, Any]:
    """Return the least and the greatest integer to draw.

    They are Python integers, or device arrays of the 64-bit dtype that holds `dtype`.
    """
    if high is None:
        low, high = 0, low
    info = None if dtype.kind == "b" else np.iinfo(dtype)
    least, most = (0, 1) if info is None else (int(info.min), int(info.max))
    beyond = 0 if endpoint else 1
    order = "low > high" if endpoint else "low >= high"
    ends = []
    for name, bound, more in (("low", low, 0), ("high", high, beyond)):
        if isinstance(bound, DeviceArray):
            value: Any = bound
            if value.dtype.kind == "c":
                raise TypeError("bounds must be integers")
        else:
            refuse_host(bound, "in a call of a random generator")
            value = np.asarray(bound)
            value = value if value.ndim else int(value.item())
        if not bool(np.all((value >= least) & (value <= most + more))):
            raise ValueError(f"{name} is out of bounds for {dtype.name}")
        if more and bool(np.any(value < least + more)):
            raise ValueError(order)
        ends.append(_whole(value, more, np.dtype("u8" if most >= 1 << 63 else "i8"), device))
    if bool(np.any(ends[0] > ends[1])):
        raise ValueError(order)
    return ends[0], ends[1]


def _whole(value: Any, more: int, dtype: np.dtype[Any], device: Device) -> Any:
    """Return ``value - more`` as a Python integer or a device array of integers."""
    if isinstance(value, DeviceArray):
        whole = value.astype(dtype, copy=False)
        return whole - more if more else whole
    if isinstance(value, int):
        return value - more
    exact = [int(v) - more for v in value.ravel().tolist()]
    return to_gpu(np.asarray(exact, dtype).reshape(value.shape), device)


def as_size(size: Any) -> Shape | None:
    """Return the shape that `size` says, None for None."""
    if size is None:
        return None
    whole = (size,) if np.ndim(size) == 0 else size
    shape = tuple(operator.index(n) for n in whole)
    if any(n < 0 for n in shape):
        raise ValueError("negative dimensions are not allowed")
    return shape


def broadcast(size: Any, parameters: tuple[Any, ...]) -> Shape:
    """Return the shape of what is drawn: that of the parameters, or `size` if they fit into it."""
    own = broadcast_shapes(*[p.shape for p in parameters if isinstance(p, DeviceArray)])
    shape = as_size(size)
    if shape is None:
        return own
    if broadcast_shapes(shape, own) != shape:
        raise ValueError(
            f"Output size {shape} is not compatible with broadcast dimensions of inputs {own}."
        )
    return shape


def float_dtype(dtype: Any, method: str) -> np.dtype[Any]:
    """Return float64 or float32."""
    found: np.dtype[Any] = np.dtype(dtype)
    if found not in FLOATS:
        raise TypeError(f"Unsupported dtype {found!r} for {method}")
    return found


def out_size(size: Any, dtype: np.dtype[Any], out: Any) -> Any:
    """Return the size of what is drawn into `out`; check that it can be."""
    if out is None:
        return size
    refuse_host(out, "in a call of a random generator")
    flags: Any = out.flags if isinstance(out, (DeviceArray, np.ndarray)) else None
    if flags is None or not ((flags.c_contiguous or flags.f_contiguous) and flags.writeable):
        raise ValueError(
            "Supplied output array must be contiguous, writable, aligned, and in machine "
            "byte-order."
        )
    if out.dtype != dtype:
        raise TypeError(
            f"Supplied output array has the wrong type. Expected {dtype.name}, got {out.dtype}"
        )
    if size is not None and as_size(size) != out.shape:
        raise ValueError("size must match out.shape when used together")
    return out.shape


def store(out: Any, values: DeviceArray) -> Any:
    """Write what was drawn to `out`, which is a host array only where those may be mixed."""
    out[...] = values.get() if isinstance(out, np.ndarray) else values
    return out


def host_values(value: Any) -> Any:
    """Return device arrays as host arrays, inside lists and tuples as well."""
    if isinstance(value, DeviceArray):
        host = value.get()
        host.flags.writeable = value.flags.writeable
        return host
    if type(value) in (list, tuple):
        return type(value)([host_values(item) for item in value])
    refuse_host(value, "in a call of a random generator")
    return value


def with_numpys_errors(method: Callable[P, R]) -> Callable[P, R]:
    """Let the errors of a generator's method be those of NumPy's for the same values."""
    name = method.__name__
    names = list(inspect.signature(method).parameters)[1:]

    @functools.wraps(method)
    def wrapper(*args: P.args, **options: P.kwargs) -> R:
        try:
            return method(*args, **options)
        except DevarrayError:
            raise
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            given: dict[str, Any] = dict(zip(names, args[1:], strict=False)) | options
            if _elements(given) > _MOST:
                raise
            theirs = getattr(np.random.default_rng(0), name)
            values = {key: host_values(value) for key, value in options.items()}
            raise_as_numpy(error, theirs, [host_values(value) for value in args[1:]], values)

    return wrapper


def _elements(given: dict[str, Any]) -> int:
    """Return how many elements a call is about: those of its arrays, and those of `size`."""
    size = given.get("size")
    whole = size if isinstance(size, (tuple, list)) else (size,)
    asked = math.prod(n for n in whole if isinstance(n, (int, np.integer)))
    arrays = [value.size for value in given.values() if isinstance(value, DeviceArray)]
    return max(int(asked), *arrays, 0)
