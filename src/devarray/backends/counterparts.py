"""What another array library has for NumPy's functions: the same path under its own name."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.errors import UnsupportedError

__all__ = ["find_counterpart"]

_NEUTRAL = frozenset({operator.getitem, operator.setitem})


def find_counterpart(
    function: Callable[..., Any], library: Any, array_type: type, device: str
) -> Callable[..., Any]:
    """Return the function of `library` that stands where `function` stands in NumPy.

    Parameters
    ----------
    function : callable
        A function or ufunc of NumPy, a method of a ufunc or of ``ndarray``, or a function of
        devarray's that works with the arrays of any library.
    library : module
    array_type : type
        The library's class of arrays.
    device : str
        The device's name, for the message.

    Raises
    ------
    UnsupportedError
        If the library has nothing of that name.
    """
    found = _find(function, library, array_type)
    if found is None:
        raise UnsupportedError(
            f"{library.__name__}, the library of device {device}, has no {path_of(function)}: "
            "use .get() and NumPy's, or config(host_access='always'), which does"
        )
    return found


def _find(function: Any, library: Any, array_type: type) -> Callable[..., Any] | None:
    if function in _NEUTRAL:
        return function  # type: ignore[no-any-return]
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):  # np.add.at
        own = getattr(library, owner.__name__, None)
        return getattr(own, function.__name__, None)
    if getattr(function, "__objclass__", None) is np.ndarray:
        return getattr(array_type, function.__name__, None)
    if isinstance(function, functools.partial) or _module(function).startswith("devarray"):
        return function  # type: ignore[no-any-return]
    space = library
    for part in _module(function).split(".")[1:]:
        space = getattr(space, part, None)
    return getattr(space, function.__name__, None)


def _module(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return str(module)


def path_of(function: Any) -> str:
    """Return the name of a function, as its users write it."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"numpy.{owner.__name__}.{function.__name__}"
    if getattr(function, "__objclass__", None) is np.ndarray:
        return f"numpy.ndarray.{function.__name__}"
    return f"{_module(function)}.{function.__name__}"
