"""NumPy's own error for a call that failed here.

It comes from the same call on stand-ins that have shapes and dtypes but no memory.

NumPy is the specification of errors as of results. Our checks find the mistake; its words come from
NumPy.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from devarray.errors import DevarrayError
from devarray.record import Recorded

__all__ = ["ask_numpy", "like_numpy", "raise_as_numpy"]

P = ParamSpec("P")
R = TypeVar("R")

_MOST = 1_000_000  # elements up to which NumPy is asked: it may find nothing wrong, and compute


# NumPy 2.4 itself reads foreign memory in these, for an array and an output without axes.
_UNSAFE = frozenset({np.cumsum, np.cumprod, np.nancumsum, np.nancumprod})


def stand_in(value: Any, indices: bool = False) -> Any:
    """Return what NumPy is given in place of a device array: one element, shown many times.

    Parameters
    ----------
    indices : bool
        Integers and bools are given as they are, for errors may be in them.
    """
    if isinstance(value, Recorded):
        shape, dtype = value._shape(), value._dtype()
        if math.prod(shape) > _MOST:
            raise OverflowError
        if indices and dtype.kind in "biu" and value._writeable():
            return value.get()  # type: ignore[attr-defined]
        array: Any = np.ndarray(shape, dtype, np.ones(1, dtype), strides=(0,) * len(shape))
        array.flags.writeable = value._writeable()
        return array
    if type(value) in (list, tuple):
        return type(value)([stand_in(item, indices) for item in value])
    if type(value) is dict:
        return {key: stand_in(item, indices) for key, item in value.items()}
    return value


def ask_numpy(function: Callable[..., Any], args: Any, options: Any, indices: bool = False) -> None:
    """Raise what NumPy raises for a call with arrays of these shapes and dtypes, if anything."""
    if function in _UNSAFE:
        return
    try:
        host_args, host_options = stand_in(args, indices), stand_in(options, indices)
    except OverflowError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(*host_args, **host_options)


def raise_as_numpy(
    error: Exception,
    function: Callable[..., Any],
    args: Any,
    options: Any,
    indices: bool = False,
) -> NoReturn:
    """Raise what NumPy raises for the same call, or `error` if it raises nothing."""
    try:
        ask_numpy(function, args, options, indices)
    except (TypeError, ValueError, IndexError, OverflowError) as theirs:
        raise theirs from None
    raise error


def like_numpy(function: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the errors of a function be those of its counterpart in NumPy."""

    def decorate(own: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(own)
        def wrapper(*args: P.args, **options: P.kwargs) -> R:
            try:
                return own(*args, **options)
            except DevarrayError:
                raise
            except (TypeError, ValueError, IndexError, OverflowError) as error:
                options.pop("device", None)
                raise_as_numpy(error, function, args, options)

        return wrapper

    return decorate
